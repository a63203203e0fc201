"""Reading of texts and labels from files, with one-line errors."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from core.errors import InputError
from core.files.home import from_home
from core.files.input_files import check_regular, decode_text, read_file
from core.terminal.printable import SURROGATE, counted, first_of

ENDINGS = (".txt", ".txt.gz")  # of the documents in class folders
TEXTS = (*ENDINGS, ".csv", ".tsv", ".md", ".json", ".jsonl", ".log", ".html", ".xml", ".gz")  # of files, not of texts
NAMED = 5  # lines that a message names
MARKLESS = 4  # UTF-16 without its mark has more than one NUL in so many bytes, where most letters are Latin


@dataclass
class LabelledTexts:
    """Texts and their labels.

    Attributes:
        texts: The texts, unchanged.
        labels: Label of each text.
        places: File and line of each text, for messages.
        label_column: Column of the labels, for files without a header.
        notes: Lines for the user about what was left out.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    label_column: int | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    def add(self, text: str, label: str, place: str) -> None:
        """Adds a text."""
        self.texts.append(text)
        self.labels.append(label)
        self.places.append(place)


def read_text(path: Path, translate_newlines: bool = True, may_be_empty: bool = False) -> str:
    """Reads a file in UTF-8, or in UTF-16 with its byte order mark; unpacked if its name ends in `.gz`.

    Args:
        path: The file.
        translate_newlines: Whether to convert every kind of line end to a newline.
        may_be_empty: Whether an empty file is allowed.

    Raises:
        InputError: It cannot be read, is not UTF-8, holds NUL characters, or is empty.
    """
    content = read_file(path)
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: not UTF-8 in line {line:,}; convert it, for example with iconv") from error
    if not text and not may_be_empty:
        raise InputError(f"{path}: is empty")
    if "\0" in text:
        raise InputError(f"{path}: {_about_nul(text)}")
    return text.replace("\r\n", "\n").replace("\r", "\n") if translate_newlines else text


def _about_nul(text: str) -> str:
    """Returns what a text with NUL characters is, and how to make one without them."""
    places = [place % 2 for place, letter in enumerate(text) if letter == "\0"]
    if len(places) > len(text) // MARKLESS:  # letters of two bytes, of which one is 0
        form = "UTF-16LE" if 2 * sum(places) > len(places) else "UTF-16BE"
        return f"seems to be UTF-16 without its byte order mark; convert it: iconv -f {form} -t UTF-8"
    line = text.count("\n", 0, text.index("\0")) + 1
    several = counted(len(places), "NUL character")
    return f"{several}, the first in line {line:,}; leave them out, for example with tr -d '\\0'"


def check_text(text: str, may_be_empty: bool = False) -> None:
    """Checks that a text that somebody gives has characters, and nothing else.

    Args:
        text: The text.
        may_be_empty: Whether it may be empty or blank.

    Raises:
        InputError: It is empty or blank, or holds halves of surrogate pairs, as bytes become that are no UTF-8.
    """
    if not may_be_empty and not text.strip():
        raise InputError("empty; a text is needed")
    if SURROGATE.search(text):
        raise InputError("not UTF-8")


class FileTexts(NamedTuple):
    """Texts of a file that `predict` is given.

    Attributes:
        texts: The texts.
        notes: Lines for the user about what was left out.
        form: What the file was taken for, if that is to be said; once for all files of this form.
    """

    texts: list[str]
    notes: list[str]
    form: str = ""


@dataclass
class GivenTexts:
    """Texts that `predict` is given.

    Attributes:
        texts: The texts; an empty one for a file that cannot be read.
        unread: Why a file cannot be read, by the place of its empty text.
        notes: Lines for the user about what was left out, and what files were taken for.
    """

    texts: list[str] = field(default_factory=list)
    unread: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def filled(path: Path, numbered: Iterable[tuple[int, str]], blank: str, notes: Sequence[str] = ()) -> FileTexts:
    """Returns the texts of a file that are not blank, with a note on the others.

    Args:
        path: The file.
        numbered: Number of the line of each text, and the text.
        blank: Name of the lines of blank ones, for the note.
        notes: Other lines for the user, which come first.
    """
    numbered = list(numbered)
    left_out = left_out_lines(blank, path, [number for number, text in numbered if not text.strip()])
    return FileTexts([text for _, text in numbered if text.strip()], [*notes, *left_out])


def texts_of_lines(path: Path) -> FileTexts:
    """Returns the lines of a file without blank ones, each a text.

    Raises:
        InputError: It cannot be read.
    """
    return filled(path, enumerate(read_text(path).rstrip("\n").split("\n"), 1), "blank lines")


def whole_text(path: Path) -> FileTexts:
    """Returns the one document that a file is, unchanged, as `read_folders` reads it.

    Raises:
        InputError: It cannot be read, or is blank.
    """
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: is blank; a text is needed")
    return FileTexts([text], [], "one document a file, as in the class folders; a .csv or .tsv table has one a row")


def read_lines(
    inputs: Iterable[str], may_be_empty: bool = False, read: Callable[[Path], FileTexts] = texts_of_lines
) -> GivenTexts:
    """Returns texts to predict: each input is a text, or a file of texts.

    Args:
        inputs: The texts and names of files.
        may_be_empty: Whether an input may be empty or blank, which is then a text.
        read: Reads a file; what it refuses is noted in `unread`.

    Raises:
        InputError: A text is empty or not UTF-8, or an input is the name of a folder, a pipe or a missing file.
    """
    given, forms = GivenTexts(), {}
    for text in inputs:
        path = _file_named(text)
        if path is None:
            try:
                check_text(text, may_be_empty)
            except InputError as error:
                raise InputError(f"--input {text!r}: {error}") from error
            given.texts.append(text)
            continue
        try:
            found = read(path)
        except InputError as error:
            given.unread[len(given.texts)] = str(error)
            given.texts.append("")
            continue
        given.texts += found.texts
        given.notes += found.notes
        if found.form:
            forms.setdefault(found.form, []).append(path)
    if not given.texts:
        raise InputError(f"--input {' '.join(inputs)}: all lines are blank; a text is needed")
    for form, (first, *others) in forms.items():
        given.notes.append(f"note     {first}{f' and {len(others):,} more' if others else ''}: {form}")
    return given


def whole_texts(inputs: Iterable[str], read: Callable[[Path], FileTexts] = whole_text) -> list[str]:
    """Returns texts to look at: each input is a text, or a file that is one text.

    Args:
        inputs: The texts and names of files.
        read: Reads a file.

    Raises:
        InputError: One is empty or not UTF-8, names a folder, a pipe or a missing file, or cannot be read.
    """
    given = read_lines(inputs, read=read)
    for reason in given.unread.values():
        raise InputError(reason)
    return given.texts


def _file_named(given: str) -> Path | None:
    """Returns the file that an input names; None if it is a text.

    Raises:
        InputError: It names a folder, a pipe or a missing file.
    """
    if not given.strip():
        return None
    try:
        path = from_home(given)
        exists, in_folder = path.exists(), len(path.parts) > 1 and path.parent.is_dir()
    except (OSError, ValueError):  # too long for a name, or with NUL
        return None
    if exists:
        if path.is_dir():
            raise InputError(f"--input {given}: a folder; name its files")
        check_regular(path)
        return path
    if given.lower().endswith(TEXTS) or (in_folder and not re.search(r"\s", given)):
        raise InputError(f"--input {given}: no such file")
    return None


def left_out_lines(kind: str, path: Path, numbers: Sequence[int]) -> list[str]:
    """Returns a line for the user about lines of a file that were left out; none if there are no such lines."""
    if not numbers:
        return []
    return [f"skipped  {kind} in {path}: {len(numbers):,} (line {first_of(numbers, NAMED)})"]
