"""Marks of a tune's symbols: where in its bar, and in which bar of its section, the tune is after each of them."""

from collections.abc import Sequence
from itertools import takewhile

from datamodules.tunes.bars import BarClock

TICKS = 96  # of a whole note: times are counted in these, which hold triplets of thirty-seconds
LONGEST = 2 * TICKS  # a longer time counts as this one
OVERFULL, NO_BAR = LONGEST + 1, LONGEST + 2  # instead of the time that is left
BARS, GROUP = 32, 7  # more bars or notes count as these
SIZES = (LONGEST + 1, NO_BAR + 1, BARS + 1, GROUP + 1)  # how many values each mark has
WORDS = (  # for programs that have a file of the network alone
    f"where a tune in ABC is after this symbol: 1/{TICKS} of whole notes since the bar line, at most {LONGEST}; those "
    f"left of the bar, at most {LONGEST}, {OVERFULL} if it is too long and {NO_BAR} in the header or without metre; "
    f"full bars of the section before, at most {BARS}; notes of a triplet and the like to come, at most {GROUP}"
)

Marks = tuple[int, int, int, int]


def marks_of(clock: BarClock) -> Marks:
    """Returns where a clock stands.

    Returns:
        How much of the bar is filled, how much is left of it, the bar's number in its section, an upbeat not counted,
        and how many notes of a triplet and the like are still to come.
    """
    filled = min(int(clock.filled * TICKS), LONGEST)
    left = NO_BAR
    if clock.full is not None and clock.in_body:
        left = min(int((clock.full - clock.filled) * TICKS), LONGEST)
        left = OVERFULL if left < 0 else left
    return filled, left, _number(clock), min(clock.group, GROUP)


def marks_after(tokens: Sequence[str]) -> list[Marks]:
    """Returns the marks before all tokens of a tune, header included, and after each of them."""
    clock = BarClock()
    marks = [marks_of(clock)]
    for token in tokens:
        clock.take(token)
        marks.append(marks_of(clock))
    return marks


def _number(clock: BarClock) -> int:
    """Returns how many bars, short ones not counted, the present section has so far."""
    if clock.opens:
        return 0
    since = list(takewhile(lambda bar: not bar.opens, reversed(clock.bars)))
    first = clock.bars[-1 - len(since)]
    return min(len(since) + (first.length == first.full), BARS)
