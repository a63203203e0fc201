"""Rows of tables: names of their files, and cells that quotes protect."""

from pathlib import Path

import pytest

from datamodules.text.table_rows import cells_of, is_table, shown_names


@pytest.mark.parametrize(
    ("name", "expected"), [("a.csv", True), ("A.TSV", True), ("a.tsv.gz", True), ("a.txt", False), ("csv", False)]
)
def test_a_table_is_known_by_the_end_of_its_name(name: str, expected: bool) -> None:
    assert is_table(Path(name)) is expected
    assert not is_table(Path("a.csv"), ".tsv")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('"a ""b"" c"\t1\nd\t"2"\n', [['a "b" c', "1"], ["d", "2"]]),  # as programs protect cells
        ('"a" b\t1\n"c"\t2\n', [['"a" b', "1"], ['"c"', "2"]]),  # as people write, who quote
        ('"a\t1\nb"\t2\n', [['"a', "1"], ['b"', "2"]]),
        ('x\ty\n"a\nb"\t1\n"c\td"\t2\n', [["x", "y"], ["a\nb", "1"], ["c\td", "2"]]),
        ('x\ty\n"a\nb\t2\n', [["x", "y"], ['"a'], ["b", "2"]]),
    ],
)
def test_quotes_between_tabs_protect_cells_if_they_do_throughout(content: str, rows: list[list[str]]) -> None:
    assert [row for _, row in cells_of(Path("a.tsv"), content, "\t")] == rows


def test_each_row_has_the_number_of_its_last_line() -> None:
    assert list(cells_of(Path("a.csv"), 'a,"b\nc"\n\nd,e\n', ",")) == [(2, ["a", "b\nc"]), (3, []), (4, ["d", "e"])]


def test_names_in_a_message_are_few_and_short() -> None:
    assert shown_names(["id", "text"]) == "id, text"
    assert shown_names([]) == "none"
    assert shown_names(["a text " * 9, "1"]) == "a text a text a text a text..., 1"
    assert shown_names([str(place) for place in range(12)]).endswith("8, 9 and 2 more")
