"""Rows of tables, whose cells are divided by commas, semicolons or tabs."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.predictions import excerpt
from core.terminal.printable import first_of

SHOWN = 10  # names of columns in a message
LETTERS = 30  # of each, as a table without a header has whole texts there
TABLES = (".csv", ".tsv")  # endings of tables, packed or not
PROTECTED = re.compile(r'"(?:[^"]|"")*"')  # a cell in quotes

Row = tuple[int, list[str]]  # number of the line, and cells


def is_table(path: Path, endings: str | tuple[str, ...] = TABLES) -> bool:
    """Returns whether a file's name is that of a table, packed or not."""
    return path.name.lower().removesuffix(".gz").endswith(endings)


def is_csv(path: Path) -> bool:
    """Returns whether a file's name is that of comma-separated values, packed or not."""
    return is_table(path, ".csv")


def cells_of(path: Path, content: str, sign: str) -> Iterator[Row]:
    """Yields the rows of a table, which are empty for blank lines.

    Quotes between tabs are letters, unless they protect cells throughout the table, as programs write them; see
    `without_quotes`. Such a cell may hold tabs and line ends, if all rows have as many cells only then.

    Raises:
        InputError: A quote is not closed, or the like.
    """
    if sign != "\t":
        yield from csv_rows(path, content, delimiter=sign)
        return
    lines = enumerate(content.rstrip("\n").split("\n"), 1)
    rows = [(number, line.split("\t") if line.strip() else []) for number, line in lines]
    if '"' in content and not _are_even(rows):
        with contextlib.suppress(InputError):
            quoted = list(csv_rows(path, content, delimiter=sign))
            rows = quoted if _are_even(quoted) else rows
    yield from without_quotes(rows)


def without_quotes(rows: list[Row]) -> list[Row]:
    """Returns rows without the quotes that protect cells, if they do: if every cell with a quote is a protected one.

    Such a cell begins and ends with a quote, and quotes within it are doubled.
    """
    with_quotes = [cell for _, row in rows for cell in row if '"' in cell]
    if not with_quotes or not all(map(PROTECTED.fullmatch, with_quotes)):
        return rows
    return [(number, [_unprotected(cell) for cell in row]) for number, row in rows]


def _unprotected(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _are_even(rows: list[Row]) -> bool:
    """Returns whether all rows but blank ones have as many cells."""
    return len({len(row) for _, row in rows if row}) < 2


def csv_rows(path: Path, content: str, stray: bool = False, **form: Any) -> Iterator[Row]:
    """Yields the rows of a table, each with the number of its last line.

    Args:
        path: The file, for messages.
        content: Its content.
        stray: Whether more may follow a closing quote in its cell, as where a caption has quotes itself; in a row of
            several lines it may not, as there an open quote has run on to that of another row.
        form: Other arguments of `csv.reader`.

    Raises:
        InputError: A quote is not closed, or the like; the message names the line in which the row begins.
    """
    csv.field_size_limit(2**31 - 1)  # the default limit is too small for articles
    # not str.splitlines, which would also split at U+2028 and others; strict, as else one quote hides all lines below
    lines = io.StringIO(content)
    reader = csv.reader(lines, strict=True, **form)
    while (begin := lines.tell()) < len(content):
        first = reader.line_num + 1
        try:
            row = next(reader)
        except csv.Error as error:
            line = content[begin : lines.tell()]
            if not stray or reader.line_num > first or line.count('"') % 2 or "end of data" in str(error):
                raise InputError(f"{path}, line {first}: {error}") from error
            row = next(csv.reader([line], **form))
        yield reader.line_num, row


def names_of(rows: Iterator[Row]) -> list[str] | InputError:
    """Takes the header from a table's rows; returns its names without blanks around, or why they cannot be read."""
    try:
        return [name.strip() for name in next(rows, (0, []))[1]]
    except InputError as error:  # quotes around names that another sign divides
        return error


def header_note(path: Path, header: Row) -> str:
    """Returns a line about a first row that is taken for a header, and left out."""
    number, names = header
    return f"note     {path}: line {number} is taken for a header: {', '.join(name.strip() for name in names)}"


def shown_names(header: Sequence[str]) -> str:
    """Returns the names of columns for a message, which a table without a header does not have."""
    return first_of(header, SHOWN, show=lambda name: excerpt(name, LETTERS)) or "none"
