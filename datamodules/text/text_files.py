"""Reading of texts and labels from files, with one-line errors."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError

MANY = 200  # most classes; a column with more different values is taken for texts


@dataclass
class LabelledTexts:
    """Texts and their labels.

    Attributes:
        texts: The texts, unchanged.
        labels: Label of each text.
        places: File and line of each text, for messages.
        label_column: Column of the labels, for files without a header.
    """

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    label_column: int | None = None

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    def add(self, text: str, label: str, place: str) -> None:
        """Adds a text."""
        self.texts.append(text)
        self.labels.append(label)
        self.places.append(place)


def read_text(path: Path, translate_newlines: bool = True, may_be_empty: bool = False) -> str:
    """Reads a UTF-8 file, without the byte order mark that some editors write.

    Args:
        path: The file.
        translate_newlines: Whether to convert every kind of line end to a newline.
        may_be_empty: Whether an empty file is allowed.

    Raises:
        InputError: It cannot be read, is not UTF-8, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: not UTF-8 in line {line:,}; convert it, for example with iconv") from error
    if not text and not may_be_empty:
        raise InputError(f"{path}: is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n") if translate_newlines else text


def read_lines(inputs: Iterable[str]) -> list[str]:
    """Returns texts to predict: each input is a text, or a file with one text per line.

    Raises:
        InputError: A file cannot be read, or a text is empty or not UTF-8.
    """
    texts = []
    for given in inputs:
        lines = read_text(Path(given)).rstrip("\n").split("\n") if _is_file(given) else [given]
        for number, line in enumerate(lines, 1):
            if not line.strip():
                place = f"{given}, line {number}" if _is_file(given) else f"--input {given!r}"
                raise InputError(f"{place}: is empty; a text is needed")
            if any("\ud800" <= character <= "\udfff" for character in line):  # command-line bytes, not UTF-8
                raise InputError(f"--input {given!r}: not UTF-8")
            texts.append(line)
    return texts


def _is_file(given: str) -> bool:
    try:
        return Path(given).is_file()
    except (OSError, ValueError):  # the text is too long for a file name, or contains NUL
        return False


def read_folders(folder: Path, classes: Sequence[str] | None = None) -> LabelledTexts:
    """Reads one folder of text files per class, the format of aclImdb.

    Args:
        folder: The folder that holds the class folders.
        classes: Names of the folders to read; all if not given.

    Raises:
        InputError: It has no class folders, one is empty, or a file cannot be read.
    """
    found = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = found if classes is None else [name for name in found if name in classes]
    if not names:
        raise InputError(f"{folder}: no folders in it; texts belong in {folder.name}/<class>")
    part = LabelledTexts()
    for name in names:
        files = [path for path in (folder / name).glob("*.txt") if not path.name.startswith(".") and not path.is_dir()]
        if not files:
            raise InputError(f"{folder / name}: no .txt files in it")
        for path in sorted(files, key=lambda path: _natural(path.name)):
            part.add(read_text(path, may_be_empty=True), name, str(path))
    return part


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Returns a key that sorts 2 before 10."""
    return [(0, int(piece)) if piece.isdecimal() else (1, piece) for piece in re.split(r"(\d+)", name) if piece]


def read_columns(path: Path, label: int | None, names: Sequence[str] | None = None) -> LabelledTexts:
    """Reads a file of two columns without a header, one text per line: text and label, in either order.

    Columns are separated by the line's first or last tab or, in a `.csv` file, by commas (with the usual quotes).

    Args:
        path: The file.
        label: The label's column, 0 or 1; if not given, the one with few different values.
        names: Names of the classes, if the file numbers them from 0.

    Raises:
        InputError: The file cannot be read or has no texts, or a line does not have two columns; the message names it.
    """
    rows = list(_comma_rows(path) if path.suffix == ".csv" else _tab_rows(path, label))
    for number, row in rows:
        if len(row) != 2:
            raise InputError(f"{path}, line {number}: {len(row)} columns, where text and label are expected")
    if not rows:
        raise InputError(f"{path}: no texts in it")
    if label is None:
        label = _label_column(path, [row for _, row in rows])
    part = LabelledTexts(label_column=label)
    for number, row in rows:
        part.add(
            row[1 - label], _class_name(row[label].strip(), names, f"{path}, line {number}"), f"{path}, line {number}"
        )
    return part


def _tab_rows(path: Path, label: int | None) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(read_text(path).rstrip("\n").split("\n"), 1):
        if "\t" not in line:
            raise InputError(f"{path}, line {number}: no tab between text and label")
        # a text may contain tabs
        yield number, line.split("\t") if label is None else _cut(line, label)


def _cut(line: str, label: int) -> list[str]:
    return line.split("\t", 1) if label == 0 else line.rsplit("\t", 1)


def _comma_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(2**31 - 1)  # the default limit is too small for articles
    # not str.splitlines, which would also split at U+2028 and others
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from error


def _label_column(path: Path, rows: Sequence[Sequence[str]]) -> int:
    kinds = [len({row[column].strip() for row in rows}) for column in range(2)]
    label = kinds.index(min(kinds))
    if kinds[label] > MANY or kinds[0] == kinds[1]:
        raise InputError(
            f"{path}: either column could be the label ({kinds[0]:,} and {kinds[1]:,} different values); choose it "
            "with --data.label_column 0 or 1"
        )
    return label


def _class_name(label: str, names: Sequence[str] | None, place: str) -> str:
    if names is None:
        return label
    if not label.isdecimal() or int(label) >= len(names):
        raise InputError(f"{place}: label {label!r}, where 0 to {len(names) - 1} are expected")
    return names[int(label)]


def read_table(path: Path, text: str, label: str) -> LabelledTexts:
    """Reads a comma-separated file with a header.

    Args:
        path: The file.
        text: Name of the text column.
        label: Name of the label column.

    Raises:
        InputError: The file cannot be read, lacks a column or has no texts, or the number of columns in a line differs
            from the header.
    """
    rows = _comma_rows(path)
    _, header = next(rows, (0, []))
    for column in (text, label):
        if column not in header:
            raise InputError(f"{path}: no column {column!r}; it has {', '.join(header) or 'none'}")
    part = LabelledTexts()
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} columns, where the header has {len(header)}")
        part.add(row[header.index(text)], row[header.index(label)].strip(), f"{path}, line {number}")
    if not part.texts:
        raise InputError(f"{path}: no texts in it")
    return part
