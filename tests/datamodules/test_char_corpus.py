"""A text is read as published, split into parts that do not overlap, and keeps its symbols for whoever goes on."""

import re
import string
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.errors import InputError
from datamodules import CharCorpusDataModule
from datamodules.base.digest import change_when_measured
from datamodules.text.corpora import CORPORA, Corpus
from datamodules.text.vocabulary import Vocabulary, to_bytes
from tests.servers import Files, refusing, serving

TEXT = "The quick brown fox jumps over the lazy dog.\r\n" * 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A text with the line ends of Windows."""
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def corpus(file: Path) -> Callable[..., CharCorpusDataModule]:
    """Makes a data module of the text, set up."""

    def make(**settings: object) -> CharCorpusDataModule:
        data = CharCorpusDataModule(
            **{"file": str(file), "batch_size": 4, "steps": 10, "eval_batch_size": 2} | settings
        )
        data.trainer = SimpleNamespace(
            world_size=1, global_rank=0, seed=0, state=SimpleNamespace(fn="fit"), strategy=None
        )
        data.setup("fit")
        return data

    return make


def test_newlines_are_translated_unless_they_are_kept(corpus: Callable) -> None:
    translated, kept = corpus(), corpus(newlines="keep")
    assert kept.vocab_size == translated.vocab_size + 1
    assert "\r" in kept.vocabulary.symbols
    assert "\r" not in translated.vocabulary.symbols


def test_project_gutenbergs_words_are_cut_or_kept_and_counted(
    file: Path, corpus: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    licence = "\n*** END OF THE PROJECT GUTENBERG EBOOK FOXES ***\nThe licence costs $0 & 100 %.\n"
    plain = corpus()
    assert "Gutenberg" not in capsys.readouterr().out
    file.write_bytes(TEXT.encode() + licence.encode())
    cut, kept = corpus(gutenberg="cut"), corpus()
    whole = len((TEXT + licence).replace("\r", ""))
    numbers = f"{len(licence):,} of {whole:,} characters in {file}"
    assert capsys.readouterr().out.splitlines() == [
        f"skipped  {numbers} are Project Gutenberg's, around the book",
        f"note     {numbers} are Project Gutenberg's, around the book; --data.gutenberg cut leaves them out",
    ]
    assert cut.symbols == plain.symbols
    assert set("$&%") < set(kept.symbols)
    for part, rows in plain.splits.items():
        assert torch.equal(cut.splits[part].symbols, rows.symbols)


def test_the_symbols_are_those_of_the_text_in_order_and_known_before_setup(file: Path) -> None:
    data = CharCorpusDataModule(file=str(file), batch_size=4, steps=10)
    assert data.vocab_size == len(set(TEXT)) - 1
    assert data.vocabulary.symbols == tuple(sorted(set(TEXT) - {"\r"}))


def test_parts_lie_one_after_the_other(corpus: Callable) -> None:
    data = corpus(val_share=0.2, test_share=0.1)
    text = TEXT.replace("\r\n", "\n")
    parts = {name: data.decode(rows.symbols[:, :-1].flatten()) for name, rows in data.splits.items()}
    assert text.startswith(parts["train"])
    assert text[round(0.7 * len(text)) :].startswith(parts["val"])
    assert text[round(0.9 * len(text)) :].startswith(parts["test"])
    assert len(parts["train"]) <= round(0.7 * len(text))
    assert data.sizes == {name: len(part) for name, part in parts.items()}


def test_columns_are_split_as_published(corpus: Callable) -> None:
    data = corpus(split="columns", val_share=0.25, test_share=0.0)
    text = TEXT.replace("\r\n", "\n")
    batches = (len(text) - 1) // 40  # 44 whole batches of 4 rows of 10
    rows = torch.tensor(data.vocabulary.ids(text[: batches * 40])).view(4, -1)
    border = round(batches * 0.75) * 10
    assert torch.equal(data.splits["train"].symbols[:, :-1].long(), rows[:, :border])
    assert torch.equal(data.splits["val"].symbols[:, :-1].long(), rows[:, border:])
    assert data.splits["val"].symbols[0, -1] == rows[1, 0], "what follows a row is the next one's beginning"


def test_anna_has_the_published_number_of_batches() -> None:
    data = CharCorpusDataModule(split="columns", val_share=0.1, test_share=0.0)
    data._vocabulary = Vocabulary(["a", "b"])
    parts = data._in_columns(torch.zeros(1_985_223, dtype=torch.uint8))
    assert {name: len(part) for name, part in parts.items()} == {"train": 1_780_000, "val": 200_000, "test": 0}


def test_symbols_take_more_than_a_byte_where_there_are_many(tmp_path: Path, corpus: Callable) -> None:
    path = tmp_path / "many.txt"
    text = "".join(chr(0x4E00 + n) for n in range(300)) * 2 + "😀"
    path.write_text(text, encoding="utf-8")
    data = corpus(file=str(path), batch_size=2, val_share=0.0, test_share=0.0)
    assert data.vocab_size == 301
    assert data.decode(data.splits["train"].symbols[0, :3]) == text[:3]


def test_a_step_that_the_text_is_too_short_for_is_an_error(corpus: Callable) -> None:
    with pytest.raises(InputError, match=r"text.txt: has ([\d,]+) characters, .* and a step takes 1,000,000"):
        corpus(batch_size=1000, steps=1000)


@pytest.mark.parametrize(
    ("settings", "learned"),
    [
        ({}, 17),
        ({"reading": "windows"}, 17),
        ({"split": "columns", "test_share": 0.0}, 19),
        ({"split": "columns", "test_share": 0.0, "batch_size": 2, "val_share": 0.6}, 0),
    ],
)
def test_a_short_text_is_said_to_have_the_characters_that_it_has(
    settings: dict, learned: int, tmp_path: Path, corpus: Callable
) -> None:
    """It was said to have 0, which were those of complete rows."""
    (tmp_path / "short.txt").write_text("twenty characters :)")
    with pytest.raises(InputError) as refused:
        corpus(**{"file": str(tmp_path / "short.txt"), "batch_size": 100, "steps": 9} | settings)
    assert f"short.txt: has 20 characters, {learned} of them to train on, and a step takes" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "data.steps is 0: at least 1"),
        ({"val_share": 0.7, "test_share": 0.3}, "data.val_share 0.7 and data.test_share 0.3"),
        ({"split": "columns"}, "data.test_share is 0.05: data.split columns has rows, and no test part"),
        ({"split": "columns", "test_share": 0.0, "reading": "windows"}, "data.reading is windows"),
    ],
)
def test_settings_that_do_not_go_together_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        CharCorpusDataModule(**settings)


def test_a_text_without_a_test_part_says_so(corpus: Callable) -> None:
    with pytest.raises(InputError, match=r"data.test_share is 0 in data.split columns: no text is left to test on"):
        corpus(split="columns", test_share=0.0).test_dataloader()


def test_a_text_without_validation_has_no_loader_for_it(corpus: Callable) -> None:
    data = corpus(val_share=0.0)
    assert data.val_dataloader() == []
    assert data.first_prime() == TEXT.replace("\r\n", "\n")[:50]


def test_symbols_of_a_run_count_for_another_text(tmp_path: Path, corpus: Callable) -> None:
    first = corpus()
    first.save_beside(tmp_path)
    other = tmp_path / "other.txt"
    other.write_text("The dog.\n" * 100)
    vocabulary = str(tmp_path / "vocabulary.json")
    assert corpus(file=str(other), vocabulary=vocabulary).vocabulary == first.vocabulary
    other.write_text("Ünknown\n" * 100)
    with pytest.raises(InputError, match="Ü"):
        corpus(file=str(other), vocabulary=vocabulary)


def test_a_checkpoint_of_other_symbols_is_refused(tmp_path: Path, corpus: Callable) -> None:
    other = tmp_path / "other.txt"
    other.write_text("abc" * 200)
    state = {"batch": 0, "vocabulary": to_bytes(corpus(file=str(other)).vocabulary_content())}
    with pytest.raises(InputError, match="has other characters than those that the network was trained with"):
        corpus().load_state_dict(state)


def test_a_grown_text_is_told_when_it_is_measured_and_other_rows_are_not(
    file: Path, corpus: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    first = corpus()
    kept = {"batch": 0, "vocabulary": to_bytes(first.vocabulary_content())} | first.facts()
    file.write_bytes(TEXT.encode() + TEXT.encode()[:100])
    for settings, changed in (({}, True), ({"eval_batch_size": 1}, False), ({"batch_size": 3}, False)):
        data = corpus(**settings)
        data.trainer.state.fn = "test"
        capsys.readouterr()
        data.load_state_dict(kept)
        assert ("the characters have changed since this run was trained" in capsys.readouterr().out) == changed


def test_primes_are_texts_or_lines_of_a_file(tmp_path: Path, corpus: Callable) -> None:
    data = corpus(val_share=0.2)
    assert [len(prime) for prime in data.prediction_names()] == [50]
    lines = tmp_path / "lines.txt"
    lines.write_text("The fox\nThe dog\n")
    data.inputs = ["lazy", str(lines)]
    assert data.prediction_names() == ["lazy", "The fox", "The dog"]
    batches = data.predict_dataloader()
    assert [data.decode(batch.symbols[0]) for batch in batches] == ["lazy", "The fox", "The dog"]
    table = data.prediction_table(data.prediction_names(), torch.tensor([data.vocabulary.ids("dog")] * 3))
    assert [row[1] for row in table.rows] == ["lazydog", "The foxdog", "The dogdog"]


def test_a_prime_of_unknown_symbols_costs_no_other(tmp_path: Path, corpus: Callable) -> None:
    data = corpus(val_share=0.2)
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    data.inputs = ["ßß", "lazy", str(tmp_path / "bad.txt"), "dog"]
    primes = list(data.predict_dataloader())
    assert [data.decode(primes[place].symbols[0]) for place in (1, 3)] == ["lazy", "dog"]
    assert data.unread.keys() == {0, 2}
    assert data.unread[0].startswith("'ßß': 'ß': not among the")
    assert "bad.txt: not UTF-8" in data.unread[2]
    data.trainer.world_size = 5
    with pytest.raises(InputError, match="5 devices need at least 5 inputs, not 4"):
        data.predict_dataloader()


def test_synthetic_sentences_need_no_file(corpus: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.char_corpus.SYNTHETIC", 5000)
    data = corpus(file=None, source="synthetic")
    assert data.origin == "synthetic sentences"
    assert 4900 < sum(data.sizes.values()) < 5200


def test_a_named_corpus_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "input.txt").write_text("To be, or not to be.\n" * 50)
    with serving(Files, tmp_path / "served") as address:
        text = Corpus("Plays", "plays.txt", f"{address}input.txt")
        monkeypatch.setitem(CORPORA, "shakespeare", text)
        data = CharCorpusDataModule(str(tmp_path / "data"), corpus="shakespeare", batch_size=4, steps=10)
        assert data.vocab_size == len(set("To be, or not to be.\n"))
    again = CharCorpusDataModule(str(tmp_path / "data"), corpus="shakespeare", batch_size=4, steps=10)
    assert again.vocabulary == data.vocabulary
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["plays.txt"]


def test_a_download_that_fails_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing() as address:
        nowhere = Corpus("Plays", "plays.txt", f"{address}input.txt")
        monkeypatch.setitem(CORPORA, "shakespeare", nowhere)
        data = CharCorpusDataModule(str(tmp_path / "data"), corpus="shakespeare")
        with pytest.raises(InputError, match=r"holds no plays.txt.*put Plays there, or try the built-in sentences"):
            data.setup("fit")
    assert not (tmp_path / "data").exists()


def test_nothing_is_said_of_rows_that_are_cut_by_another_size(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(f"{string.ascii_lowercase} " * 400)

    def change(before: dict[str, Any], **sizes: int) -> str | None:
        data = CharCorpusDataModule(file=str(tmp_path / "text.txt"), steps=10, **{"batch_size": 5} | sizes)
        data.setup("test")
        return change_when_measured(before, data.facts(), data.unit, data.cut_by)

    data = CharCorpusDataModule(file=str(tmp_path / "text.txt"), steps=10, batch_size=5)
    data.setup("test")
    before = data.facts()
    assert change(before) is None
    assert change(before | {"content": "another"}) is not None
    assert change(before | {"content": "another"}, eval_batch_size=2) is None
    older = {name: fact for name, fact in before.items() if name != "eval_batch_size"}
    assert change(older | {"content": "another"}) is None


@pytest.mark.parametrize("newlines", ["translate", "keep"])
def test_a_file_to_look_at_is_one_text(newlines: str, corpus: Callable[..., CharCorpusDataModule], file: Path) -> None:
    """Its lines were put behind each other without what ends them, so that words ran together."""
    data = corpus(newlines=newlines)
    other = file.with_name("other.txt")
    other.write_text("the fox\n\njumps\n")
    passages = data.passages_of([str(other), "lazy dog"], 2, 100)
    assert "".join(letter for row in passages.texts for letter in row) == "the fox\n\njumps\n\nlazy dog"[:24]
    with pytest.raises(InputError, match="no such file"):
        data.passages_of(["nothing.txt"], 2, 100)


def test_pieces_of_a_text_of_many_millions_are_its_own(corpus: Callable) -> None:
    data = corpus()
    last = torch.arange(11, dtype=torch.uint8)
    text = torch.cat([torch.zeros(2**24 + 3, dtype=torch.uint8), last])
    data.splits["train"] = SimpleNamespace(symbols=text[None])
    pieces = data.sample(3)
    assert pieces.shape == (3, 11)
    assert pieces[-1].tolist() == last.tolist()
