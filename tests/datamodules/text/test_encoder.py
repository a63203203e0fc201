"""Texts become the same numbers every time, by a vocabulary of the training texts alone."""

import json
import re
import sys
import tempfile
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.text.encoder import Encoder
from datamodules.text.encoding import Encoding
from datamodules.text.numbering import truncation
from datamodules.text.special_symbols import DOCUMENT_SYMBOLS, UNKNOWN

TEXTS = ["The cat sat.", "the cat didn't sit!", "A dog<br />barks"]


def fitted(texts: list[str] = TEXTS, **settings: object) -> Encoder:
    """Returns an encoder that has learned from texts."""
    encoder = Encoder(Encoding(**settings))
    encoder.fit(texts)
    return encoder


def symbols(encoder: Encoder, text: str) -> list[str]:
    """Returns the symbols that a text becomes."""
    return [encoder.vocabulary.symbols[number] for number in encoder.encode(text)]


def test_words_and_single_marks_are_tokens_and_line_breaks_are_not() -> None:
    encoder = Encoder(Encoding())
    assert encoder.tokens("Well, it's 10/10!<br /><BR>Über-cool") == (
        ["well", ",", "it's", "10", "/", "10", "!", "über", "-", "cool"]
    )
    assert Encoder(Encoding(lowercase=False)).tokens("It's<BR />so") == ["It's", "so"]
    assert Encoder(Encoding(punctuation=False)).tokens("Well, it's 10/10!") == ["well", "it's", "10", "10"]


@pytest.mark.parametrize("punctuation", [True, False])
def test_words_are_not_cut_at_combining_marks(punctuation: bool) -> None:
    for settings in ({"punctuation": punctuation}, {"tokenizer": "letters"}):
        assert Encoder(Encoding(**settings)).tokens("हिन्दी भाषा cafe\u0301") == ["हिन्दी", "भाषा", "cafe\u0301"]


@pytest.mark.parametrize("settings", [{}, {"tokenizer": "letters"}, {"buckets": 1000}])
def test_a_vocabulary_of_an_earlier_release_goes_on_cutting_words_at_marks(settings: dict[str, object]) -> None:
    words = "हिन्दी भाषा cafe\u0301"
    encoder = fitted([words], **settings)
    content = json.loads(json.dumps(encoder.content()))
    assert Encoder.from_content(content).encode(words) == encoder.encode(words)
    del content["marks"]
    cut = Encoder.from_content(content)
    letters = r"[^\W\d_]+" if settings.get("tokenizer") == "letters" else r"\w+|[^\w\s]"
    assert cut.tokens(words) == re.findall(letters, words)
    assert cut.encode(words) != encoder.encode(words)
    assert json.loads(json.dumps(cut.content())) == content, "as in its checkpoints"


@pytest.mark.parametrize("settings", [{}, {"tokenizer": "char"}, {"buckets": 50}])
def test_a_vocabulary_of_texts_without_marks_is_as_in_earlier_releases(settings: dict[str, object]) -> None:
    texts = ["naïve 東京"] if settings.get("tokenizer") != "char" else ["cafe\u0301"]
    assert fitted(texts, **settings).content().keys() == {"encoding", "symbols"}


def test_marks_that_are_on_no_letter_leave_a_vocabulary_as_in_earlier_releases() -> None:
    texts = ["good film \u2764\ufe0f"] * 2
    assert fitted(texts, punctuation=True).content().keys() == {"encoding", "symbols"}
    assert fitted(["press 3\ufe0f"] * 2, tokenizer="letters").content().keys() == {"encoding", "symbols"}


def test_lower_case_gives_some_letters_marks() -> None:
    encoder = fitted(["İstanbul"])
    assert symbols(encoder, "İSTANBUL") == ["i\u0307stanbul"]
    assert "marks" in encoder.content()


def test_letters_are_parted_by_everything_else_also_in_markup() -> None:
    encoder = Encoder(Encoding(tokenizer="letters"))
    assert encoder.tokens("Bromwell High's 3rd\x00naïve_end<br /><BR>.") == (
        ["bromwell", "high", "s", "rd", "naïve", "end", "br", "br"]
    )


def test_documents_are_filled_up_from_their_beginning() -> None:
    encoder = fitted(max_length=4, fill=True)
    the, cat = encoder.vocabulary.ids(["the", "cat"])
    assert encoder.encode("the cat") == [0, 0, the, cat]
    assert encoder.encode("") == [0, 0, 0, UNKNOWN]
    assert len(encoder.encode("the cat the cat the cat")) == 4
    again = Encoder.from_content(json.loads(json.dumps(encoder.content())))
    assert again.encode("the cat") == [0, 0, the, cat]


def test_settings_that_change_nothing_are_left_out_as_in_earlier_vocabularies() -> None:
    assert fitted().content()["encoding"].keys() == Encoding.__dataclass_fields__.keys() - {"fill", "whole"}
    assert fitted(whole=True).content()["encoding"]["whole"] is True


def test_characters_are_tokens_without_spaces() -> None:
    assert Encoder(Encoding(tokenizer="char")).tokens("同步 A股") == ["同", "步", "a", "股"]


def test_padding_and_unknown_are_apart_from_all_that_is_learned() -> None:
    encoder = fitted()
    assert encoder.vocab_size == len({token for text in TEXTS for token in encoder.tokens(text)}) + 2
    assert encoder.encode("the zebra") == [encoder.vocabulary.ids(["the"])[0], UNKNOWN]
    assert 0 not in encoder.encode(" ".join(TEXTS))
    assert encoder.vocabulary.symbols[:2] == DOCUMENT_SYMBOLS


@pytest.mark.parametrize("text", ["\x00pad", "\x00unknown"])
def test_a_text_with_the_name_of_a_special_symbol_is_not_taken_for_it(text: str) -> None:
    for settings in ({"tokenizer": "char", "ngrams": 4}, {"tokenizer": "word", "ngrams": 2}):
        encoder = fitted([text], **settings)
        assert len(set(encoder.vocabulary.symbols)) == encoder.vocab_size
        assert min(encoder.encode(text)) > UNKNOWN


def test_a_text_with_the_name_of_the_unknown_symbol_leaves_subwords_as_they_are() -> None:
    pytest.importorskip("tokenizers")
    encoder = fitted(["lower \x00unknown"], tokenizer="subword", max_size=40)
    assert encoder.encode("zzz") == [UNKNOWN] * 3


def test_neighbours_count_as_symbols_behind_the_tokens() -> None:
    encoder = fitted(["a b c"], ngrams=3)
    assert symbols(encoder, "a b c") == ["a", "b", "c", "a b", "b c", "a b c"]
    assert symbols(fitted(["ab"], tokenizer="char", ngrams=2), "ab") == ["a", "b", "ab"]
    assert symbols(encoder, "a") == ["a"], "a text too short for them has none"


def test_rare_symbols_are_left_out_and_frequent_ngrams_are_all_found() -> None:
    encoder = fitted(["a b c", "a b d", "x a b"], ngrams=2, min_count=2)
    assert set(encoder.vocabulary.symbols[2:]) == {"a", "b", "a b"}
    every = fitted(["a b c", "a b d"], ngrams=3)
    assert set(every.vocabulary.symbols[2:]) == {"a", "b", "c", "d", "a b", "b c", "b d", "a b c", "a b d"}


def test_symbols_count_once_a_document_where_that_is_asked() -> None:
    encoder = fitted(["a a a", "b", "b"], unique=True, min_count=2)
    assert set(encoder.vocabulary.symbols[2:]) == {"b"}, "in how many documents counts"
    encoder = fitted(["a b a b"], ngrams=2, unique=True)
    assert symbols(encoder, "a b a b") == ["a", "b", "a b", "b a"]


def test_hashed_symbols_need_no_vocabulary_and_stay_clear_of_padding_and_unknown() -> None:
    encoder = Encoder(Encoding(buckets=50, ngrams=2))
    numbers = encoder.encode("the cat sat on the mat " * 30)
    assert encoder.vocab_size == 52
    assert 2 <= min(numbers) <= max(numbers) < 52
    assert numbers == Encoder(Encoding(buckets=50, ngrams=2)).encode("the cat sat on the mat " * 30)
    assert Encoder(Encoding(buckets=2**20)).encode("cat") == [2 + 0x9E5E43A8 % 2**20], "CRC-32, the same everywhere"


@pytest.mark.parametrize(("keep", "kept"), [("head", ["a", "b"]), ("tail", ["c", "d"])])
def test_a_longer_text_is_cut_and_counted(keep: str, kept: list[str]) -> None:
    encoder = fitted(["a b c d"], max_length=2, keep=keep)
    assert symbols(encoder, "a b c d") == kept
    assert symbols(encoder, "a b") == ["a", "b"]
    assert encoder.documents_truncated == 1


def test_an_empty_text_is_one_unknown_symbol_and_counted() -> None:
    encoder = fitted()
    assert encoder.encode(" ") == encoder.encode("<br />") == [UNKNOWN]
    assert encoder.documents_empty == 2


@pytest.mark.parametrize("settings", [{}, {"ngrams": 2, "unique": True}, {"buckets": 64}])
def test_an_encoder_comes_back_from_its_content(settings: dict) -> None:
    encoder = fitted(**settings)
    again = Encoder.from_content(json.loads(json.dumps(encoder.content())))
    assert again.encode("the cat barks") == encoder.encode("the cat barks")
    assert (again.vocab_size, again.encoding) == (encoder.vocab_size, encoder.encoding)


@pytest.mark.parametrize(
    "content",
    [{"symbols": ["a"]}, {"encoding": {}, "symbols": ["a"]}, {"encoding": {"max": 1}, "symbols": DOCUMENT_SYMBOLS}],
)
def test_content_of_something_else_is_named(content: dict) -> None:
    with pytest.raises(InputError, match="there: holds no vocabulary of documents"):
        Encoder.from_content(content, "there")


def test_subwords_that_are_absent_or_broken_are_named() -> None:
    pytest.importorskip("tokenizers")
    content = {"encoding": {"tokenizer": "subword", "max_size": 9}, "symbols": DOCUMENT_SYMBOLS}
    with pytest.raises(InputError, match=r"there: holds no vocabulary of documents \('subwords'\)"):
        Encoder.from_content(content, "there")
    with pytest.raises(InputError, match="there: holds no vocabulary of subwords"):
        Encoder.from_content(content | {"subwords": "{"}, "there")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tokenizer": "words"}, "tokenizer is words"),
        ({"keep": "middle"}, "keep is middle"),
        ({"ngrams": 0}, "ngrams is 0"),
        ({"ngrams": 6}, "ngrams is 6"),
        ({"buckets": -1}, "buckets is -1"),
        ({"min_count": 0}, "min_count is 0"),
        ({"max_size": 2}, "max_size is 2"),
        ({"max_length": 0}, "max_length is 0"),
        ({"tokenizer": "subword"}, "max_size: a subword vocabulary needs a size"),
    ],
)
def test_settings_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"data.encoding.{said}")):
        Encoding(**settings)


def test_chinese_words_are_found_quietly_and_without_files(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jieba", exc_type=ImportError)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tokens = Encoder(Encoding(tokenizer="jieba")).tokens("北京大学 的学生")
    assert tokens == ["北京大学", "的", "学生"]
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_subwords_are_learned_and_kept() -> None:
    pytest.importorskip("tokenizers")
    encoder = fitted(["lower lowest slower " * 20], tokenizer="subword", max_size=11)
    assert len(symbols(encoder, "lowest")) > 1
    assert "".join(symbols(encoder, "lowest")) == "lowest"
    again = Encoder.from_content(json.loads(json.dumps(encoder.content())))
    assert again.encode("slowest lower") == encoder.encode("slowest lower")
    assert UNKNOWN in encoder.encode("zzz")


@pytest.mark.parametrize(("tokenizer", "library"), [("jieba", "jieba"), ("subword", "tokenizers")])
def test_a_library_that_is_not_there_is_named(tokenizer: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        InputError, match=re.escape(f"this tokenizer needs {library}; pip install -e '.[text]' installs it")
    ):
        fitted(["a"], tokenizer=tokenizer, max_size=8)


@pytest.mark.parametrize("keep", ["head", "tail"])
def test_a_document_without_end_is_cut_with_a_hint(keep: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.text.encoder.LONGEST", 3)
    encoder = fitted(["a b c d"], keep=keep)
    encoder.reset_counts()
    assert len(encoder.encode("a b c")) == 3
    assert encoder.documents_truncated == 0
    cut = encoder.encode("a b c d " * 1000)
    assert cut == encoder.vocabulary.ids(["a", "b", "c"] if keep == "head" else ["b", "c", "d"])
    assert encoder.documents_truncated == 1
    assert truncation(encoder) == f"the {keep} of 3 tokens is kept; a training with data.encoding.max_length keeps more"
    assert truncation(fitted(["a"], max_length=2)) == "the head of 2 tokens is kept"
