"""Bars are counted in exact fractions, and the clock allows what fits."""

from fractions import Fraction

import pytest

from datamodules.tunes.bars import BarClock, group_of, right_bars
from datamodules.tunes.reading import read_tune

LENGTHS = [Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(3)]


def right(body: str, metre: str = "4/4", unit: str = "1/4") -> list[bool]:
    """Returns which bars of a body are right."""
    return right_bars(read_tune(f"M:{metre}\nL:{unit}\nK:G\n{body}"))


@pytest.mark.parametrize(
    "body",
    [
        "A4|B4|",
        "A|B4|c3|",  # an upbeat, which the end makes whole
        "A|:B4|c3:|",
        "A|:B4|[1c3A:|[2c3||",
        "A4|B3:|c|d4|e3|]",  # a section with an upbeat of its own
        "A4|B2:|:B2|c4|",  # a bar that a repeat cuts
        "A(3BcdB|",
        "(3A2B2c2|",
        "A>BA<B|",
        "[CE]2[CEG]2|",
        "A4|[M:3/4]A3|[M:4/4]A4|",
        "A2-A2|z4|Z|",
        "A3B/2B/2|A3B//B//B//B//|",
    ],
)
def test_whole_tunes(body: str) -> None:
    assert all(right(body))


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("A4|B5|c4|", [1]),
        ("A4|B3|c4|", [1]),
        ("A4|B4|c3|", [2]),  # there is no upbeat
        ("A|B4|c2|", [2]),
        ("A|B4|c3|d4|", [2]),  # short within a section
        ("A4|(3BcdB|c4|", [1]),
        ("A4|[M:3/4]A4|", [1]),
    ],
)
def test_wrong_bars_are_found(body: str, wrong: list[int]) -> None:
    assert [place for place, fits in enumerate(right(body)) if not fits] == wrong


def test_compound_metres_and_none() -> None:
    assert all(right("A3B3|cBAA3|", "6/8", "1/8"))
    assert not all(right("A3B3|cBAA2|A3A3|", "6/8", "1/8"))
    assert all(right("A9|B|", "none"))


@pytest.mark.parametrize(
    ("token", "metre", "count", "factor"),
    [("(3", "4/4", 3, "2/3"), ("(2", "6/8", 2, "3/2"), ("(4", "6/8", 4, "3/4"), ("(5", "6/8", 5, "3/5"),
     ("(5", "4/4", 5, "2/5"), ("(3:2:4", "4/4", 4, "2/3"), ("(3::2", "4/4", 2, "2/3")],
)  # fmt: skip
def test_groups(token: str, metre: str, count: int, factor: str) -> None:
    assert group_of(token, metre) == (count, Fraction(factor))


def clock(*tokens: str, metre: str = "3/4") -> BarClock:
    """Returns the clock after a header in quarters and some tokens."""
    made = BarClock()
    for token in (f"M:{metre}\n", "L:1/4\n", "K:G\n", *tokens):
        made.take(token)
    return made


@pytest.mark.parametrize(
    ("written", "allowed", "refused"),
    [
        ((), ["A", "z", '"D"', "(3", "|:"], ["|", ":|", "2", "-", "", "[M:4/4]"]),
        (("A",), ["A", "2", "3", "|", "|:", "-"], ["", ":|", "[1"]),  # an upbeat may end
        (("A", "3", "|"), ["B", "[M:4/4]", "[1", ""], ["|", ":|", "2"]),
        (("A", "3", "|", "B", "2"), ["c", "-", '"D"'], ["|", ":|", "", "2"]),
        (("A", "3", "|", "B", "2", "c"), ["|", ":|", "", "-", "/2"], ["2", "A", "z", "(3", '"D"']),
        (("A", "|", "B", "3", "|", "c", "2"), [":|", "||", "", "d"], ["|"]),  # the upbeat's other part
        (("A", "3", "|", "B", "2", "c", "/2"), ["d"], ["|", "(3", "3/2"]),
        (("A", "3", "|", "B", "2", "c", "/2", "d"), ["/2"], ["|", "A", "2", "-"]),  # needs a duration
        (("A", "3", "|", "(3", "B", "c"), ["d", "2", "3"], ["|", "(3", '"D"']),
    ],
)
def test_the_clock_allows_what_fits(written: tuple[str, ...], allowed: list[str], refused: list[str]) -> None:
    now = clock(*written)
    assert [token for token in allowed if not now.allows(token, LENGTHS)] == []
    assert [token for token in refused if now.allows(token, LENGTHS)] == []


def test_the_clock_wants_the_fields_in_order_and_counts_without_a_metre_nothing() -> None:
    empty = BarClock()
    assert empty.allows("M:4/4\n", LENGTHS)
    assert not empty.allows("A", LENGTHS)
    assert not empty.allows("K:G\n", LENGTHS)
    assert clock("A", metre="none").allows("|", LENGTHS)
    assert not clock("A").allows("M:3/4\n", LENGTHS)
