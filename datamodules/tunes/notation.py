"""Tidied tunes with one voice, and the tokens of their ABC notation.

The standard: https://abcnotation.com/wiki/abc:standard:v2.1. A tidied tune has metre, unit and key, and a body without
layout and ornaments: chord names, notes, durations, ties, groups such as triplets, bar lines, endings, and changes of
metre and key. What can be written in several ways has one: broken rhythm (`A>B`) becomes durations, rests of whole bars
become rests, `C` becomes 4/4.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

NOTE = r"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']*"
LENGTH = r"\d+(?:/+\d*)?|/+\d*"
TOKEN = re.compile(
    rf"""(?P<name>"[^"]*")
    |(?P<field>\[[A-Za-z]:[^\]]*\])
    |(?P<ending>\[\d[\d,.-]*)
    |(?P<bar>\[?\|[|:\]]*|:[|:\]]*)
    |(?P<group>\(\d(?::\d?){{0,2}})
    |(?P<tones>\[\s*(?:{NOTE}(?:{LENGTH})?-?\s*)+\]|\+(?:{NOTE}(?:{LENGTH})?){{2,}}\+)
    |(?P<tone>{NOTE})
    |(?P<rest>[zxZ])
    |(?P<length>{LENGTH})
    |(?P<tie>-)
    |(?P<broken>>+|<+)
    |(?P<ignored>\{{[^}}]*\}}|![^!\n]*!|\+[^+\n]*\+|y\d*|[\s\\~.()$*`;?!H-Wh-wx])""",
    re.VERBOSE,
)
METRE = re.compile(r"(\d+)/(\d+)")
SOUNDING = ("tone", "tones", "rest")
LONGEST = 64  # units that a duration may have; beyond it a file is broken
DIGITS = 20  # most characters of a duration, a metre or a unit
EIGHTH = Fraction(1, 8)  # in which networks count


class NoTune(ValueError):
    """A text is no tune that can be read; the message says why, in words that follow the tune's name."""


@dataclass(frozen=True)
class Tune:
    """A tidied tune.

    Attributes:
        metre: Such as `6/8`; `none` if it has no bars.
        unit: Length of a note without a duration, as a part of a whole note.
        key: Such as `G`, `Em` or `Ador`.
        body: Tokens.
        title: Its name, which is not part of what a network learns.
    """

    metre: str
    unit: Fraction
    key: str
    body: tuple[str, ...]
    title: str = ""

    @property
    def header(self) -> tuple[str, str, str]:
        """The fields before the body, each a line."""
        return f"M:{self.metre}\n", f"L:{self.unit}\n", f"K:{self.key}\n"

    @property
    def tokens(self) -> tuple[str, ...]:
        """Fields and body."""
        return self.header + self.body

    @property
    def text(self) -> str:
        """The tune as one text, without its title."""
        return "".join(self.tokens)


@lru_cache(2**14)
def kind_of(token: str) -> str:
    """Returns the kind of a tidied token: one of the groups of `TOKEN`, or `header`; empty for what is no token."""
    if token.endswith("\n"):
        return "header"
    match = TOKEN.fullmatch(token)
    return match.lastgroup if match is not None else ""


@lru_cache(2**14)
def length_of(token: str) -> Fraction:
    """Returns what a duration stands for, such as 3/2; `//` is a quarter.

    Raises:
        NoTune: It is 0, or longer than any note.
    """
    value = Fraction(0)
    if len(token) <= DIGITS:
        above, slashes, below = re.fullmatch(r"(\d*)(/*)(\d*)", token).groups()
        under = int(below) if below else 2 ** len(slashes)
        value = Fraction(int(above or 1), under) if under else value
    if not 0 < value <= LONGEST:
        raise NoTune(f"a note of length {token[:DIGITS]}")
    return value


def length_token(length: Fraction) -> str:
    """Returns the token of a duration; empty for 1."""
    above = "" if length.numerator == 1 else str(length.numerator)
    return above if length.denominator == 1 else f"{above}/{length.denominator}"


def rescaled(tune: Tune, unit: Fraction) -> Tune:
    """Returns a tune whose durations count in another unit."""
    factor = tune.unit / unit
    body: list[str] = []
    for token, following in zip(tune.body, (*tune.body[1:], ""), strict=True):
        kind = kind_of(token)
        if kind == "length":
            body.append(length_token(length_of(token) * factor))
        else:
            body.append(token)
            if kind in SOUNDING and kind_of(following) != "length":
                body.append(length_token(factor))
    return replace(tune, unit=unit, body=tuple(token for token in body if token))


def bar_length(metre: str) -> Fraction | None:
    """Returns the length of a bar as a part of a whole note, or None without a metre."""
    match = METRE.fullmatch(metre)
    return Fraction(int(match[1]), int(match[2])) if match else None


def check_lengths(tokens: Iterable[str], unit: Fraction) -> None:
    """Checks that all durations of a tune can be read again, also when they count in eighths.

    Raises:
        NoTune: One is too long or too short.
    """
    factor = unit / EIGHTH
    lengths = {Fraction(1), *(length_of(token) for token in set(tokens) if kind_of(token) == "length")}
    for length in lengths:
        length_of(length_token(length * factor) or "1")


def tidied_metre(text: str) -> str:
    """Returns a metre in one form.

    Raises:
        NoTune: It is none.
    """
    text = "".join(text.split())
    if len(text) > DIGITS:
        raise NoTune(f"the metre {text[:DIGITS]!r}")
    text = {"C": "4/4", "C|": "2/2", "": "none", "free": "none"}.get(text, text)
    if sums := re.fullmatch(r"\(?(\d+(?:\+\d+)+)\)?/(\d+)", text):
        text = f"{sum(map(int, sums[1].split('+')))}/{sums[2]}"
    match = METRE.fullmatch(text)
    if text != "none" and not (match and int(match[1]) and int(match[2]) in (1, 2, 4, 8, 16, 32)):
        raise NoTune(f"the metre {text!r}")
    return text


def tidied_unit(text: str) -> Fraction:
    """Returns the length of a note without a duration, as a part of a whole note.

    Raises:
        NoTune: It is none.
    """
    text = "".join(text.split())
    match = METRE.fullmatch(text) if len(text) <= DIGITS else None
    if not match or not int(match[1]) or not int(match[2]):
        raise NoTune(f"the unit L:{text[:DIGITS]}")
    return Fraction(int(match[1]), int(match[2]))


def default_unit(metre: str) -> Fraction:
    """Returns the length of a note where no field L: states it."""
    bar = bar_length(metre)
    return Fraction(1, 16) if bar is not None and bar < Fraction(3, 4) else Fraction(1, 8)
