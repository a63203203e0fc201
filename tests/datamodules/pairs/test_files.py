"""Pairs of sentences are read line by line or from two columns, and what does not fit is one line."""

import gzip
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.pairs.files import read_pairs, texts_of_file


def write(**files: str) -> list[Path]:
    """Writes files; returns their paths."""
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    return [Path(name) for name in files]


def test_two_files_are_read_line_by_line_gzipped_or_not() -> None:
    (german,) = write(de="Ein Hund.\r\n Zwei  Hunde. \n")
    english = Path("en.gz")
    english.write_bytes(gzip.compress(b"A dog.\nTwo dogs.\n"))
    pairs = read_pairs([german, english])
    assert pairs.sources == ["Ein Hund.", "Zwei  Hunde."]
    assert pairs.targets == ["A dog.", "Two dogs."]
    assert read_pairs([german, english], swap=True).sources == pairs.targets


def test_columns_after_the_second_are_ignored() -> None:
    pairs = read_pairs(write(pairs="Go.\tVa !\tCC-BY 2.0\nHi.\tSalut !\n"))
    assert (pairs.sources, pairs.targets) == (["Go.", "Hi."], ["Va !", "Salut !"])
    assert read_pairs([Path("pairs")], swap=True).targets == ["Go.", "Hi."]


@pytest.mark.parametrize(
    ("header", "is_one"),
    [("en\tde", True), ("Source\tTarget\tid", True), ("No\tNein", False), ("text\ttext", False), ("en\tHund", False)],
)
def test_a_header_is_no_pair(header: str, is_one: bool) -> None:
    Path("pairs.txt").write_text(f"{header}\na dog\tein Hund\na cat\t \n")
    pairs = read_pairs([Path("pairs.txt")])
    assert len(pairs) == 2 - is_one
    assert pairs.targets[-1] == "ein Hund"
    named = ", ".join(header.split("\t")[:2])
    assert pairs.notes[:-1] == [f"note     pairs.txt: line 1 is taken for a header: {named}"] * is_one
    assert pairs.notes[-1] == "skipped  pairs with a blank sentence in pairs.txt: 1 (line 3)"


def test_pairs_with_a_blank_sentence_are_counted_and_named() -> None:
    pairs = read_pairs(write(a="x\n\n \ny\n", b="1\n2\n3\n4\n"))
    assert (pairs.sources, pairs.targets) == (["x", "y"], ["1", "4"])
    assert pairs.notes == ["skipped  pairs with a blank sentence in a: 2 (line 2, 3)"]
    assert read_pairs(write(c="a\tb\n\n\t\n")).notes == ["skipped  pairs with a blank sentence in c: 2 (line 2, 3)"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "x\ny\n", "b": "1\n"}, r"^a has 2 lines, and b 1: line by line"),
        ({"a": "x\n", "b": ""}, r"^b: is empty$"),
        ({"a": "x\n\n", "b": "\n1\n"}, r"^a and b: no pair of sentences in it; one of each pair is blank$"),
        ({"a": "x\t1\ny 2\n"}, r"^a, line 2: no tab in it"),
    ],
)
def test_files_that_do_not_fit_are_one_line(files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pairs(write(**files))
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs([Path("absent")])


@pytest.mark.parametrize(("place", "expected"), [(0, ["Go.", "Hi."]), (1, ["Va !", "Salut !"])])
def test_of_a_table_that_is_translated_one_column_is_read(place: int, expected: list[str]) -> None:
    content = "Go.\tVa !\tCC-BY\n\nHi.\tSalut !\n"
    Path("pairs.tsv").write_text(content, encoding="utf-8")
    found = texts_of_file(Path("pairs.tsv"), place)
    assert found == (expected, ["skipped  blank lines in pairs.tsv: 1 (line 2)"], "")
    Path("lines.tsv").write_text("Go.\nHi.\n", encoding="utf-8")
    assert texts_of_file(Path("lines.tsv"), place).texts == ["Go.", "Hi."]
    Path("pairs.txt").write_text(content, encoding="utf-8")
    assert texts_of_file(Path("pairs.txt"), place).texts == ["Go.\tVa !\tCC-BY", "Hi.\tSalut !"]
