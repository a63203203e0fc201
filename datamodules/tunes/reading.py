"""One tune read from ABC notation, and tidied."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

from datamodules.tunes.keys import tidied_key
from datamodules.tunes.notation import (
    DIGITS,
    LENGTH,
    LONGEST,
    NOTE,
    SOUNDING,
    TOKEN,
    NoTune,
    Tune,
    bar_length,
    check_lengths,
    default_unit,
    length_of,
    length_token,
    tidied_metre,
    tidied_unit,
)

CHORD = re.compile(r"[A-G][#b]?(?:maj|min|m|dim|aug|sus|add|\+)*\d*(?:sus\d?|[b#]\d+)*(?:/[A-Ga-g][#b+]?)?")
BESIDE_NOTES = re.compile(r'"[^"]*"|![^!]*!|\[[A-Za-z]:[^\]]*\]|%.*')  # in which letters are none
MOST_BARS = 5000  # of a tune
FIELD_LINE = re.compile(r"([A-Za-z]):(?![|:])(.*)")  # not the end of a repeat, such as `e:|`


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
    unit = tidied_unit(fields["L"]) if "L" in fields else default_unit(metre)
    body = _Body(metre, unit)
    for token, kind in _scan(lines):
        body.add(token, kind)
    tokens = body.finished()
    check_lengths(tokens, unit)
    return Tune(metre, unit, tidied_key(fields["K"]), tokens, fields.get("T", ""))


def goes_on_behind(text: str) -> bool:
    """Returns whether music with bar lines stands behind the empty line that ends a tune, which can be read."""
    lines = iter(text.split("\n"))
    for line in lines:
        if (match := FIELD_LINE.match(line)) and match[1] == "K":
            break
    deque(_scan(lines), maxlen=0)  # up to the empty line
    return any(map(_is_music, lines))


def _is_music(line: str) -> bool:
    """Returns whether a line has a bar line and notes, which make up most of its letters: words are no tune."""
    try:
        tokens = [*_scan([line])]
    except NoTune:
        return False
    notes = sum(kind in SOUNDING for _, kind in tokens)
    letters = sum(map(str.isalpha, BESIDE_NOTES.sub("", line)))
    return any(kind == "bar" for _, kind in tokens) and 3 * notes > 2 * letters


def _scan(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Gives tokens and their kinds of the lines of a body, without comments, words and layout.

    An empty line ends it, and what stands behind that is free text; before the first token it is layout.
    """
    has_begun = False
    for line in lines:
        if has_begun and not line.strip():
            return
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
                has_begun = True
                yield match[0], match.lastgroup
            place = match.end()


class _Body:
    """Tokens of a body as they are tidied."""

    def __init__(self, metre: str, unit: Fraction) -> None:
        self.metre = metre
        self.unit = unit  # of the header
        self.scale = Fraction(1)  # of the present unit to it
        self.events: list[list] = []  # [token, kind, length]; of `Z` the number of bars, and the length of one
        self.broken: Fraction | None = None  # factor on the next note
        self.sounding = False  # whether the last event is a note that may get a duration

    def add(self, token: str, kind: str) -> None:
        """Adds a token."""
        if kind == "length" and token.isdigit() and self.events and self.events[-1][1] == "bar":
            token, kind = f"[{token}", "ending"  # `|1` for `|[1`
        if kind == "length":
            if not self.sounding:
                raise NoTune(f"the duration {token[:20]} without a note")
            self._lengthen(self._last_note(), length_of(token))  # a tie may stand between them
        elif kind == "broken":
            self._break(token)
        elif kind == "bar":
            self._bar(token)
        elif kind == "field":
            self._field(token)
        elif kind == "name":
            name = "".join(token[1:-1].split())
            if len(name) <= DIGITS and CHORD.fullmatch(name):
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
            if token == "Z":
                self.events.append([token, kind, Fraction(1), (bar_length(self.metre) or Fraction(1)) / self.unit])
            else:
                self.events.append(["z" if token == "x" else token, kind, length])
            if tied:
                self.events.append(["-", "tie", None])
        else:
            self.events.append([token.rstrip(",.-") if kind == "ending" else token, kind, None])
        self.sounding = kind in SOUNDING or (self.sounding and kind == "length")

    def _lengthen(self, event: list, factor: Fraction) -> None:
        event[2] *= factor
        if event[2] > LONGEST * max(1, self.scale) or len(str(event[2])) > 2 * DIGITS:
            raise NoTune("a note or a rest with durations that make no sense together")

    def _last_note(self) -> list | None:
        return next((event for event in reversed(self.events) if event[1] in SOUNDING), None)

    def _break(self, token: str) -> None:
        before = self._last_note()
        if before is None or len(token) > 3:
            raise NoTune(f"broken rhythm {token[:5]} without notes")
        short = Fraction(1, 2 ** len(token))
        self._lengthen(before, 2 - short if token[0] == ">" else short)
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
            self.scale = tidied_unit(value) / self.unit
        elif name == "V":
            raise NoTune("several voices (V:)")

    def finished(self) -> tuple[str, ...]:
        """Returns the tidied tokens.

        Raises:
            NoTune: There is no note.
        """
        tokens: list[str] = []
        for token, kind, length, *bar in self.events:
            if bar:
                count = int(length)
                if count > LONGEST:
                    raise NoTune(f"a rest of {count:,} bars")
                for number in range(count):
                    tokens += ["|"] * (number > 0) + ["z", length_token(bar[0])]
                continue
            tokens.append(token)
            if kind in SOUNDING and length != 1:
                tokens.append(length_token(length))
        if not any(event[1] in ("tone", "tones") for event in self.events):
            raise NoTune("no notes")
        if sum("|" in token or token == "::" for token in tokens) > MOST_BARS:
            raise NoTune(f"more than {MOST_BARS:,} bars")
        return tuple(token for token in tokens if token)


def _bar_line(signs: str) -> str:
    """Returns one of the six bar lines that a sequence of signs stands for."""
    begins, ends = signs.endswith(":"), signs.startswith(":")
    if begins and ends and len(signs) > 1:
        return "::"
    if begins or ends:
        return ":|" if ends else "|:"
    return "|]" if "]" in signs else "||" if len(signs.strip("[")) > 1 else "|"
