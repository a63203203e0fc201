"""Symbols restore every sentence exactly, are learned the same way each time, and come back from their saved form."""

import json
import random

import pytest

from core.errors import InputError
from datamodules.pairs.encoder import PairEncoder
from datamodules.pairs.pieces import UNKNOWN_AS, PairEncoding, PieceEncoder
from datamodules.pairs.synthetic import synthetic_pairs
from datamodules.text.special_symbols import END, SPECIAL_SYMBOLS, UNKNOWN
from datamodules.text.subwords import train_subwords

ODD = [
    'He said: "It\'s 3.50 (or more)!"',
    "Zwei junge weiße Männer, im Freien -- in der Nähe vieler Büsche.",
    "two  spaces,\ttabs \u00a0 and\u2003wide ones",
    "▁ is no space, 東京 is a city, and 🙂 a face",
    "don't can’t l'été C++ _x_ a/b",  # noqa: RUF001
    "(((", "x", "...", "A  ", " a",
]  # fmt: skip


def encodings() -> list[PairEncoding]:
    """Returns an encoding of each kind."""
    pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
    return [PairEncoding("subword", 200), PairEncoding("word", None), PairEncoding("char", None)]


def test_every_sentence_is_restored_exactly() -> None:
    rng, letters = random.Random(0), "".join(ODD)
    mixed = ["".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(300)]
    sentences = [*ODD, *mixed, *synthetic_pairs(100, seed=1).targets]
    for encoding in encodings():
        encoder = PieceEncoder(encoding)
        encoder.fit(sentences)
        assert len(encoder) <= (encoding.size or len(encoder))
        for sentence, numbers in zip(sentences, encoder.encode(sentences), strict=True):
            assert encoder.decode([*numbers, END, 0, 0]) == sentence, encoding.tokenizer


def test_a_vocabulary_follows_from_its_sentences_and_is_restored_from_plain_data() -> None:
    pairs = synthetic_pairs(200, seed=1)
    for encoding in encodings():
        for joint in (True, False):
            contents = []
            for _ in range(2):
                unlearned = PairEncoder(PairEncoding(encoding.tokenizer, encoding.size, joint), reverse_source=True)
                encoder = unlearned.fitted(pairs.sources, pairs.targets)
                contents.append(json.dumps(encoder.content()))
            assert contents[0] == contents[1]
            restored = PairEncoder.from_content(json.loads(contents[0]), "here")
            assert restored.encode_sources(pairs.sources) == encoder.encode_sources(pairs.sources)
            assert restored.encode_targets(pairs.targets) == encoder.encode_targets(pairs.targets)
            assert (restored.source is restored.target) == joint
            assert len(set(restored.symbols)) == len(restored.symbols)


def test_a_vocabulary_of_an_earlier_release_goes_on_cutting_words_at_marks() -> None:
    encoder = PieceEncoder(PairEncoding("word", None))
    encoder.fit(["cafe\u0301s", "cafe s", "\u0301"])
    content = encoder.content()
    again = PieceEncoder.from_content(encoder.encoding, content, "here")
    assert again.pieces(again.encode(["cafe\u0301s"])[0]) == [" cafe\u0301s"]
    del content["marks"]
    cut = PieceEncoder.from_content(encoder.encoding, content, "here")
    assert cut.pieces(cut.encode(["cafe\u0301 s"])[0]) == [" cafe", UNKNOWN_AS, " s"]
    assert cut.content() == content, "as in its checkpoints"
    for tokenizer, sentence in (("word", "naïve"), ("char", "cafe\u0301")):
        encoder = PieceEncoder(PairEncoding(tokenizer, None))
        encoder.fit([sentence])
        assert encoder.content().keys() == {"symbols"}


def test_a_sentence_can_be_read_backwards_and_a_translation_has_an_end() -> None:
    encoder = PairEncoder(PairEncoding("char", None), reverse_source=True).fitted(["ab"], ["ba"])
    (source,), (target,) = encoder.encode_sources(["ab"]), encoder.encode_targets(["ab"])
    assert encoder.source.pieces(source) == ["b", "a"]
    assert target[-1] == END
    assert encoder.target.pieces(target) == ["a", "b"]
    assert encoder.encode_sources([""]) == [[END]]


def test_what_training_lacks_is_unknown_and_shown_as_such() -> None:
    for encoding in encodings():
        encoder = PieceEncoder(encoding)
        encoder.fit(["a red dog"] * 3)
        (numbers,) = encoder.encode(["a \u6771 dog"])
        assert UNKNOWN in numbers
        assert UNKNOWN_AS in encoder.decode(numbers)
        assert encoder.decode(numbers).endswith("dog")
        (numbers,) = encoder.encode([f"a {SPECIAL_SYMBOLS[END]} dog"])
        assert END not in numbers, "no text holds a mark"


@pytest.mark.parametrize("spaces", [True, False])
def test_the_size_of_subwords_holds_for_texts_of_many_characters_too(spaces: bool) -> None:
    pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 200)))  # as rare as each other
    texts = [*[" a red dog"] * 3, f" {rare}", " 東 東"]
    found = [train_subwords(texts, 12, ["\x00unknown"], "\x00unknown", spaces).get_vocab() for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]) == 12
    assert {"\x00unknown", *"aredog東", *(" " if spaces else "")} <= found[0].keys()
    assert {*found[0]} - {*"\x00unknown", "\x00unknown", *" aredog東"} == {*rare[: 3 if spaces else 4]}


def test_words_are_not_cut_at_combining_marks() -> None:
    encoder = PieceEncoder(PairEncoding("word", None))
    encoder.fit(["हिन्दी cafe\u0301 \u0301"])
    assert set(encoder.vocabulary.symbols[len(SPECIAL_SYMBOLS) :]) == {" हिन्दी", " cafe\u0301", " \u0301"}
    (numbers,) = encoder.encode(["हिन्दी cafe\u0301 \u0301"])
    assert encoder.decode(numbers) == "हिन्दी cafe\u0301 \u0301"


def test_capital_letters_and_rare_words_are_dropped_on_request() -> None:
    encoder = PieceEncoder(PairEncoding("word", None, lowercase=True, min_count=2))
    encoder.fit(["The dog sees the bird"])
    assert encoder.vocabulary.symbols == (*SPECIAL_SYMBOLS, " the")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 4}, r"data\.encoding\.size is 4: more than 4 is needed"),
        ({"size": None}, r"data\.encoding\.size: a subword vocabulary needs a size"),
        ({"min_count": 0}, r"data\.encoding\.min_count is 0"),
        ({"tokenizer": "byte"}, r"data\.encoding\.tokenizer is byte"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PairEncoding(**settings)


@pytest.mark.parametrize(
    "content",
    [
        {"symbols": ["a"]},
        {"encoding": {"tokenizer": "word"}, "languages": []},
        {"encoding": {"tokenizer": "word"}, "reverse_source": False, "languages": ["de"]},
    ],
)
def test_a_file_without_a_vocabulary_of_pairs_is_named(content: dict) -> None:
    with pytest.raises(InputError, match=r"v\.json: holds no vocabulary of sentences"):
        PairEncoder.from_content(content, "v.json")
