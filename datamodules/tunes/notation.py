"""ABC notation of tunes with one voice: read from text, tidied into one form, and cut into tokens.

The standard: https://abcnotation.com/wiki/abc:standard:v2.1. A tidied tune has metre, unit and key, and a body without
layout and ornaments: chord names, notes, durations, ties, groups such as triplets, bar lines, endings, and changes of
metre and key. What can be written in several ways has one: broken rhythm (`A>B`) becomes durations, rests of whole bars
become rests, `C` becomes 4/4.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from datamodules.tunes.keys import tidied_key

NOTE = r"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']*"
LENGTH = r"\d+(?:/+\d*)?|/+\d*"
TOKEN = re.compile(
    rf"""(?P<name>"[^"]*")
    |(?P<field>\[[A-Za-z]:[^\]]*\])
    |(?P<ending>\[\d[\d,.-]*)
    |(?P<bar>\[?\|[|:\]]*|:[|:\]]*)
    |(?P<group>\(\d(?::\d?){{0,2}})
    |(?P<tones>\[(?:\s*{NOTE}(?:{LENGTH})?-?\s*)+\]|\+(?:{NOTE}(?:{LENGTH})?){{2,}}\+)
    |(?P<tone>{NOTE})
    |(?P<rest>[zxZ])
    |(?P<length>{LENGTH})
    |(?P<tie>-)
    |(?P<broken>>+|<+)
    |(?P<ignored>\{{[^}}]*\}}|![^!\n]*!|\+[^+\n]*\+|y\d*|[\s\\~.()$*`;?!H-Wh-wx])""",
    re.VERBOSE,
)
CHORD = re.compile(r"[A-G][#b]?(?:maj|min|m|dim|aug|sus|add|\+)*\d*(?:sus\d?|[b#]\d+)*(?:/[A-Ga-g][#b+]?)?")
FIELD_LINE = re.compile(r"([A-Za-z]):(?![|:])(.*)")  # not the end of a repeat, such as `e:|`
METRE = re.compile(r"(\d+)/(\d+)")
SOUNDING = ("tone", "tones", "rest")
LONGEST = 64  # units that a duration may have; beyond it a file is broken


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
    above, slashes, below = re.fullmatch(r"(\d*)(/*)(\d*)", token).groups()
    under = int(below) if below else 2 ** len(slashes)
    value = Fraction(int(above or 1), under) if under else Fraction(0)
    if not 0 < value <= LONGEST:
        raise NoTune(f"a note of length {token[:20]}")
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


def tidied_metre(text: str) -> str:
    """Returns a metre in one form.

    Raises:
        NoTune: It is none.
    """
    text = "".join(text.split())
    text = {"C": "4/4", "C|": "2/2", "": "none", "free": "none"}.get(text, text)
    if sums := re.fullmatch(r"\(?(\d+(?:\+\d+)+)\)?/(\d+)", text):
        text = f"{sum(map(int, sums[1].split('+')))}/{sums[2]}"
    match = METRE.fullmatch(text)
    if text != "none" and not (match and int(match[1]) and int(match[2]) in (1, 2, 4, 8, 16, 32)):
        raise NoTune(f"the metre {text[:20]!r}")
    return text


def read_tune(text: str) -> Tune:
    """Reads and tidies one tune.

    Args:
        text: ABC with at least a key field; other fields may be absent.

    Raises:
        NoTune: It is none, or has several voices.
    """
    fields: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        match = FIELD_LINE.match(line)
        if match:
            fields.setdefault(match[1], match[2].split("%")[0].strip())
            if match[1] == "K":
                break
        elif line.strip() and not line.startswith("%"):
            raise NoTune("music before the key field K:")
    if "K" not in fields:
        raise NoTune("no key field K:")
    metre = tidied_metre(fields.get("M", "none"))
    unit = _unit(fields["L"]) if "L" in fields else default_unit(metre)
    body = _Body(metre, unit)
    for token, kind in _scan(lines):
        body.add(token, kind)
    return Tune(metre, unit, tidied_key(fields["K"]), body.finished(), fields.get("T", ""))


def default_unit(metre: str) -> Fraction:
    """Returns the length of a note where no field L: states it."""
    bar = bar_length(metre)
    return Fraction(1, 16) if bar is not None and bar < Fraction(3, 4) else Fraction(1, 8)


def _unit(text: str) -> Fraction:
    match = METRE.fullmatch("".join(text.split()))
    if not match or not int(match[1]) or not int(match[2]):
        raise NoTune(f"the unit L:{text[:20]}")
    return Fraction(int(match[1]), int(match[2]))


def _scan(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Gives tokens and their kinds of the lines of a body, without comments, words and layout."""
    for line in lines:
        line = line.split("%")[0]
        if match := FIELD_LINE.match(line):
            yield f"[{match[1]}:{match[2].strip()}]", "field"
            continue
        place = 0
        while place < len(line):
            match = TOKEN.match(line, place)
            if match is None:
                raise NoTune("several voices (&)" if line[place] == "&" else f"{line[place]!r}, which is no music")
            if match.lastgroup != "ignored":
                yield match[0], match.lastgroup
            place = match.end()


class _Body:
    """Tokens of a body as they are tidied."""

    def __init__(self, metre: str, unit: Fraction) -> None:
        self.metre = metre
        self.unit = unit  # of the header
        self.scale = Fraction(1)  # of the present unit to it
        self.events: list[list] = []  # [token, kind, length]
        self.broken: Fraction | None = None  # factor on the next note
        self.sounding = False  # whether the last event is a note that may get a duration

    def add(self, token: str, kind: str) -> None:
        """Adds a token."""
        if kind == "length" and self.events and self.events[-1][1] == "bar":
            token, kind = f"[{token}", "ending"  # `|1` for `|[1`
        if kind == "length":
            if not self.sounding:
                raise NoTune(f"the duration {token[:20]} without a note")
            self.events[-1][2] *= length_of(token)
        elif kind == "broken":
            self._break(token)
        elif kind == "bar":
            self._bar(token)
        elif kind == "field":
            self._field(token)
        elif kind == "name":
            name = "".join(token[1:-1].split())
            if CHORD.fullmatch(name):
                self.events.append([f'"{name}"', kind, None])
        elif kind in SOUNDING:
            length, tied = self.scale, False
            if kind == "tones":
                tones = re.findall(NOTE, token)
                inner = re.match(rf".\s*(?:{NOTE})({LENGTH})", token)
                length *= length_of(inner[1]) if inner else 1
                tied = "-" in token
                token = f"[{''.join(tones)}]"
            if self.broken is not None:
                length, self.broken = length * self.broken, None
            self.events.append(["z" if token == "x" else token, kind, length])
            if tied:
                self.events.append(["-", "tie", None])
        else:
            self.events.append([token.rstrip(",.-") if kind == "ending" else token, kind, None])
        self.sounding = kind in SOUNDING or (self.sounding and kind == "length")

    def _break(self, token: str) -> None:
        before = next((event for event in reversed(self.events) if event[1] in SOUNDING), None)
        if before is None or len(token) > 3:
            raise NoTune(f"broken rhythm {token[:5]} without notes")
        short = Fraction(1, 2 ** len(token))
        before[2] *= 2 - short if token[0] == ">" else short
        self.broken = short if token[0] == ">" else 2 - short

    def _bar(self, token: str) -> None:
        if self.events and self.events[-1][1] == "bar":
            token = self.events.pop()[0] + token
        if self.events or not set(token) <= set("|]["):  # a tune need not begin with a bar line
            self.events.append([_bar_line(token), "bar", None])

    def _field(self, token: str) -> None:
        name, value = token[1], token[3:-1].strip()
        if name == "M":
            self.metre = tidied_metre(value)
            self.events.append([f"[M:{self.metre}]", "field", None])
        elif name == "K":
            self.events.append([f"[K:{tidied_key(value)}]", "field", None])
        elif name == "L":
            self.scale = _unit(value) / self.unit
        elif name == "V":
            raise NoTune("several voices (V:)")

    def finished(self) -> tuple[str, ...]:
        """Returns the tidied tokens.

        Raises:
            NoTune: There is no note.
        """
        tokens: list[str] = []
        for token, kind, length in self.events:
            if token == "Z":
                bar = (bar_length(self.metre) or Fraction(1)) / self.unit
                for number in range(int(length / self.scale)):
                    tokens += ["|"] * (number > 0) + ["z", length_token(bar)]
                continue
            tokens.append(token)
            if kind in SOUNDING and length != 1:
                tokens.append(length_token(length))
        if not any(kind in ("tone", "tones") for _, kind, _ in self.events):
            raise NoTune("no notes")
        return tuple(token for token in tokens if token)


def _bar_line(signs: str) -> str:
    """Returns one of the six bar lines that a sequence of signs stands for."""
    begins, ends = signs.endswith(":"), signs.startswith(":")
    if begins and ends and len(signs) > 1:
        return "::"
    if begins or ends:
        return ":|" if ends else "|:"
    return "|]" if "]" in signs else "||" if len(signs.strip("[")) > 1 else "|"
