"""Marks say where in its bar a tune is, and in which bar of its section."""

import pytest

from datamodules.tunes.marks import BARS, NO_BAR, OVERFULL, SIZES, marks_after
from datamodules.tunes.synthetic import synthetic_tunes

HEADER = ("M:3/4\n", "L:1/8\n", "K:G\n")


@pytest.mark.parametrize(
    ("body", "marks"),
    [
        ((), (0, 72, 0, 0)),
        (("A",), (12, 60, 0, 0)),
        (("A", "3/2"), (18, 54, 0, 0)),
        (("A", "2", "|"), (0, 72, 0, 0)),  # an upbeat is not counted
        (("A", "6", "|"), (0, 72, 1, 0)),
        (("A", "2", "|", "A", "6", "|", "B"), (12, 60, 1, 0)),
        (("A", "6", "|", "A", "6", ":|"), (0, 72, 0, 0)),  # a section begins
        (("A", "7"), (84, OVERFULL, 0, 0)),
        (("(3",), (0, 72, 0, 3)),
        (("(3", "A"), (8, 64, 0, 2)),
        (("A", "6", "|", "[M:none]", "A"), (12, NO_BAR, 1, 0)),
    ],
)
def test_marks(body: tuple[str, ...], marks: tuple[int, ...]) -> None:
    assert marks_after([*HEADER, *body])[-1] == marks


def test_long_sections_and_bars_have_the_last_numbers() -> None:
    marks = marks_after([*HEADER, *["A", "6", "|"] * 40, "A", "60"])
    assert marks[-3][2] == BARS
    assert marks[-1][0] == SIZES[0] - 1


def test_every_mark_is_below_its_size() -> None:
    for tune in synthetic_tunes(20, seed=0):
        found = marks_after(tune.tokens)
        assert len(found) == len(tune.tokens) + 1
        assert all(0 <= mark < size for marks in found for mark, size in zip(marks, SIZES, strict=True))
