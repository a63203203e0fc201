"""Rows of tables: names of their files, and cells that quotes protect."""

from pathlib import Path

import pytest

from datamodules.text.table_rows import cells_of, is_table


@pytest.mark.parametrize(
    ("name", "expected"), [("a.csv", True), ("A.TSV", True), ("a.tsv.gz", True), ("a.txt", False), ("csv", False)]
)
def test_a_table_is_known_by_the_end_of_its_name(name: str, expected: bool) -> None:
    assert is_table(Path(name)) is expected
    assert not is_table(Path("a.csv"), ".tsv")


def test_each_row_has_the_number_of_its_last_line() -> None:
    assert list(cells_of(Path("a.csv"), 'a,"b\nc"\n\nd,e\n', ",")) == [(2, ["a", "b\nc"]), (3, []), (4, ["d", "e"])]
