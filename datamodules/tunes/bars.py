"""Bars in exact fractions: which bars of a tune are right, and which tokens may follow what has been written.

A bar is right if its notes last as long as the metre says. At the border of a section (begin and end of the tune,
repeats, double bar lines, endings) it may be shorter: an upbeat, or an end that an upbeat of the tune makes whole.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction

from datamodules.tunes.notation import SOUNDING, Tune, bar_length, kind_of, length_of

BORDERS = ("|:", ":|", "::", "||", "|]")
COMPOUND = ("6/8", "9/8", "12/8", "6/4", "9/4", "12/4", "3/8", "6/16", "9/16", "12/16")
GRID = Fraction(1, 128)  # part of a whole note that what is left of a bar is a multiple of, outside of groups


@dataclass
class Bar:
    """A bar that has been written.

    Attributes:
        length: How long its notes last, as a part of a whole note.
        full: How long they should; None without a metre.
        opens: Whether it begins a section.
        closes: Whether it ends one.
    """

    length: Fraction
    full: Fraction | None
    opens: bool
    closes: bool


class BarClock:
    """Follows a tune token by token, and says where in the bar it is."""

    def __init__(self) -> None:
        self.unit: Fraction | None = None
        self.full: Fraction | None = None  # length of a bar
        self.metre = ""
        self.in_body = False
        self.filled = Fraction(0)  # of the present bar, the last note included
        self.note: Fraction | None = None  # length of the last note, if nothing but its duration has followed
        self.lengthened = False  # whether that has a duration
        self.group = 0  # notes of a triplet and the like that are still to come
        self.factor = Fraction(1)  # on their lengths
        self.opens = True  # whether the present bar begins a section
        self.bars: tuple[Bar, ...] = ()

    def after(self, token: str) -> "BarClock":
        """Returns the clock after another token."""
        clock = copy(self)
        clock.take(token)
        return clock

    def take(self, token: str) -> None:
        """Follows another token."""
        kind = kind_of(token)
        if kind == "header" or kind == "field":
            self._field(token)
        elif kind in SOUNDING:
            self.note = self.unit * (self.factor if self.group else 1)
            self.filled += self.note
            self.group = max(0, self.group - 1)
            self.lengthened = False
            return
        elif kind == "length":
            if self.note is not None:
                self.filled += self.note * (length_of(token) - 1)
                self.lengthened = True
            return
        elif kind == "group":
            self.group, self.factor = group_of(token, self.metre)
        elif kind == "bar":
            self._end_bar(token in BORDERS)
            self.group = 0
        elif kind == "ending":
            if self.bars:
                self.bars = (*self.bars[:-1], _closed(self.bars[-1]))
            self.opens = True
        self.note = None

    def _field(self, token: str) -> None:
        name, value = token.strip("[]\n").split(":", 1)
        if name == "M":
            self.metre, self.full = value, bar_length(value)
        elif name == "L":
            self.unit = Fraction(value)
        elif name == "K":
            self.in_body = True

    def _end_bar(self, border: bool) -> None:
        if self.filled:
            self.bars = (*self.bars, Bar(self.filled, self.full, self.opens, border))
            self.opens = border
        elif border and self.bars:
            self.bars = (*self.bars[:-1], _closed(self.bars[-1]))
            self.opens = True
        self.filled = Fraction(0)

    def finished(self) -> tuple[Bar, ...]:
        """Returns all bars, the last of which may lack its bar line."""
        self._end_bar(True)
        return self.bars

    @property
    def has_whole_bar(self) -> bool:
        """Whether there is more than an upbeat."""
        return any(bar.length == bar.full for bar in self.bars)

    # what may follow

    def fits(self, length: Fraction, lengths: Sequence[Fraction]) -> bool:
        """Returns whether a bar can still be filled exactly after more notes of a length.

        Args:
            length: Length of the notes, as a part of a whole note.
            lengths: All durations that can be written, the shortest first, in units.
        """
        left = self.full - self.filled - length
        if self.group == 0:
            return left >= 0 and left % GRID == 0
        note = self.unit * self.factor
        if self.group == 1:
            return any(left >= note * each and (left - note * each) % GRID == 0 for each in lengths)
        return left >= self.group * note * lengths[0]

    def allows(self, token: str, lengths: Sequence[Fraction]) -> bool:
        """Returns whether a token may come next: it does not overflow the bar, and ends none that is not full.

        Args:
            token: The token; empty for the end of the tune.
            lengths: All durations that can be written, the shortest first, in units.
        """
        if not self.in_body:
            return token.startswith("M:" if not self.metre else "L:" if self.unit is None else "K:")
        kind = kind_of(token) if token else "bar"
        if self.full is None or kind == "header":
            return kind != "header"
        if kind == "length":
            may = self.note is not None and not self.lengthened
            return may and self.fits(self.note * (length_of(token) - 1), lengths)
        if self.note is not None and not self.fits(Fraction(0), lengths):
            return False  # the note needs a duration
        if kind in SOUNDING:
            clock = copy(self)
            clock.group = max(0, self.group - 1)
            note = self.unit * (self.factor if self.group else 1)
            return self.filled < self.full and any(clock.fits(note * each, lengths) for each in lengths)
        if kind == "tie":
            return self.note is not None
        if kind == "group":
            clock = copy(self)
            clock.group, clock.factor = group_of(token, self.metre)
            return not self.group and clock.fits(Fraction(0), lengths)
        if kind == "name":
            return self.filled < self.full and not self.group
        if kind in ("field", "ending"):
            return not self.filled and bool(self.bars)
        return self._may_end(token)

    def _may_end(self, token: str) -> bool:
        """Returns whether a bar line, or the end of the tune, may come here."""
        if not self.filled:
            return (not token and self.has_whole_bar) or (token == "|:" and not self.bars)
        if self.filled == self.full:
            return True
        if self.group:
            return False
        if not self.bars:  # an upbeat
            return token in ("|", "|:", "||")
        border = token in BORDERS or not token
        upbeats, ends = partial(self.bars)
        return (border and self.full - self.filled in upbeats) or (self.opens and self.full - self.filled in ends)


def group_of(token: str, metre: str) -> tuple[int, Fraction]:
    """Returns how many notes a token such as `(3` or `(3:2:4` groups, and the factor on their lengths."""
    numbers = [int(number) if number else 0 for number in token[1:].split(":")]
    notes, time, count = numbers + [0] * (3 - len(numbers))
    usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(notes, 3 if metre in COMPOUND else 2)
    return count or notes, Fraction(time or usual, max(1, notes))


def _closed(bar: Bar) -> Bar:
    return Bar(bar.length, bar.full, bar.opens, True)


def partial(bars: Iterable[Bar]) -> tuple[set[Fraction], set[Fraction]]:
    """Returns the lengths of bars that are too short and begin a section, and of those that end one."""
    short = [bar for bar in bars if bar.full is not None and bar.length < bar.full]
    return {bar.length for bar in short if bar.opens}, {bar.length for bar in short if bar.closes}


def right_bars(tune: Tune) -> list[bool]:
    """Returns for every bar of a tune whether it is right; all are where there is no metre."""
    clock = BarClock()
    for token in tune.tokens:
        clock.take(token)
    bars = clock.finished()
    upbeats, ends = partial(bars)
    right = []
    for place, bar in enumerate(bars):
        fits = bar.full is None or bar.length == bar.full
        if not fits and bar.length < bar.full:
            rest = bar.full - bar.length
            fits = (place == 0 and len(bars) > 1) or (bar.closes and rest in upbeats) or (bar.opens and rest in ends)
        right.append(fits)
    return right
