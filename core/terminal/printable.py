"""Texts from outside, such as names of files, made fit for a terminal and for a spreadsheet."""

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Any

# control characters without tab and newline, marks that reverse what follows, and halves of surrogate pairs, which
# stand for the bytes of a name that is no UTF-8
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN = 3  # names of several
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the start of a formula


def printable(text: str, encoding: str = "utf-8") -> str:
    r"""Returns a text that a terminal can show and that does nothing to it.

    Control characters (except tabs and line ends), bytes of names that are no UTF-8, and characters that the encoding
    lacks become escapes such as `\x1b`.

    Args:
        text: The text.
        encoding: Encoding of the terminal.
    """
    text = UNPRINTABLE.sub(lambda found: _escaped(ord(found[0])), text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def say(line: str) -> None:
    """Prints a line at once, escaped for the terminal: for commands without torch, which `print_line` needs."""
    print(printable(line, encoding_of(sys.stdout)), flush=True)


def columns(text: str) -> int:
    """Returns how many columns a text takes on a terminal: wide letters two, and marks on the letter before none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(letter) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def cut_to(text: str, most: int, mark: str = "") -> str:
    """Returns a text in at most so many columns; of a longer one the beginning, with a mark of one column behind it."""
    if columns(text) <= most:
        return text
    end = width = 0
    while (width := width + columns(text[end])) <= most - len(mark):
        end += 1
    return text[:end] + mark


def shown_path(path: str | Path) -> str:
    """Returns a path as it is typed from the current folder, if it is below; any other is left as it is."""
    path, folder = Path(path), Path.cwd()
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)


def counted(n: int, noun: str) -> str:
    """Returns a number with what it counts, such as `1 epoch` or `2,000 steps`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def first_names(names: Collection[str]) -> str:
    """Returns the first of several names, and by dots whether there are more."""
    return ", ".join([*islice(names, SHOWN), *(["..."] if len(names) > SHOWN else [])])


def first_of(names: Collection[Any], most: int, between: str = ", ", show: Callable[[Any], str] = str) -> str:
    """Returns the first of several names, and how many more there are, such as `a, b and 2 more`.

    Args:
        names: The names, or what has them.
        most: How many are named.
        between: What stands between two of them.
        show: Gives the text of one.
    """
    first, rest = between.join(map(show, islice(names, most))), len(names) - most
    return f"{first} and {rest:,} more" if rest > 0 else first


def encoding_of(stream: object) -> str:
    """Returns the encoding of a stream; UTF-8 of one that names none, such as a replacement of `sys.stdout`."""
    return getattr(stream, "encoding", None) or "utf-8"


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as Python represents it in names
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def cell(text: str) -> str:
    """Returns a text as a cell of a UTF-8 file that no spreadsheet runs as a formula; numbers stay as they are."""
    text = SURROGATE.sub(lambda found: _escaped(ord(found[0])), text)
    if not text.startswith(FORMULA):
        return text
    try:
        float(text)
        return text
    except ValueError:
        return f"'{text}"
