"""Tables on a terminal, in which wide letters have their room and one long cell widens no other row."""

import re
from collections.abc import Sequence

from core.terminal.printable import columns

PIECES = re.compile(r"[^ ,]*[ ,]+|[^ ,]+")  # of a long cell, which is divided behind blanks and commas


def aligned(rows: Sequence[Sequence[str]], most: int) -> list[str]:
    r"""Returns a line for each row, in which a line end within a cell is shown as `\n`.

    Args:
        rows: Cells, as many in each row.
        most: Columns up to which a cell widens those above and below it; a wider one pushes what follows in its row.
    """
    rows = [[cell.replace("\n", "\\n") for cell in row] for row in rows]
    widths = [
        max((width for row in rows if (width := columns(row[place])) <= most), default=0)
        for place in range(len(rows[0]) if rows else 0)
    ]
    return [_joined(row, widths) for row in rows]


def wrapped(rows: Sequence[Sequence[str]], most: int) -> list[str]:
    """Returns the lines of all rows, with several of a row with a cell wider than `most` columns; see `divided`."""
    lines: list[list[str]] = []
    for row in rows:
        parts = [divided(cell, most) for cell in row]
        height = max(map(len, parts), default=0)
        lines += [[part[line] if line < len(part) else "" for part in parts] for line in range(height)]
    return aligned(lines, most)


def divided(text: str, most: int) -> list[str]:
    """Returns a text in pieces of at most so many columns, divided behind blanks and commas alone."""
    lines, line = [], ""
    for piece in PIECES.findall(text):
        if line and columns((line + piece).rstrip()) > most:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
    return "  ".join(cells).rstrip()
