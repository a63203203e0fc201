"""Tables on a terminal stay narrow where one cell is long, and straight where letters are wide."""

import pytest

from core.terminal.printable import columns
from core.terminal.text_table import aligned, divided, wrapped


def test_columns_are_straight_and_ends_bare() -> None:
    assert aligned([("a", "bb", ""), ("天地", "c", "d")], 9) == ["a     bb", "天地  c   d"]
    assert aligned([], 9) == []


def test_a_row_is_one_line() -> None:
    """A name of a file may have a line end in it."""
    assert aligned([("a\nb", "c"), ("d", "e")], 9) == ["a\\nb  c", "d     e"]
    assert wrapped([("a\nb", "c")], 9) == ["a\\nb  c"]


def test_a_long_cell_widens_no_other_row() -> None:
    assert aligned([("a", "b"), ("x" * 10, "c"), ("ddd", "e")], 9) == ["a    b", f"{'x' * 10}  c", "ddd  e"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("one, two, three", ["one, two,", "three"]),
        ("/home/me/runs/a", ["/home/me/runs/a"]),
        ("ab /home/me/runs/a,b", ["ab", "/home/me/runs/a,", "b"]),
        ("天地 玄黄 宇宙", ["天地 玄黄", "宇宙"]),
    ],
)
def test_a_long_text_is_divided_where_it_can_be(text: str, pieces: list[str]) -> None:
    assert divided(text, 10) == pieces


def test_long_cells_take_several_lines() -> None:
    lines = wrapped([("name", "one, two, three", "a"), ("other", "-", "four five six")], 10)
    assert lines == ["name   one, two,  a", "       three", "other  -          four five", "                  six"]
    value = "[" + ", ".join(f"value {number}" for number in range(100)) + "]"
    long = wrapped([("key", value, "-"), ("k", "-", "0")], 48)
    assert max(map(columns, long)) <= 3 + 2 + 48 + 2 + 1
    assert "".join(long).replace(" ", "").count("value") == 100
