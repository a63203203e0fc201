"""Texts of tables that `predict` is given, in the columns that training reads."""

from collections.abc import Collection, Sequence
from pathlib import Path

from core.errors import InputError
from datamodules.text.table_rows import Row, cells_of, header_note, is_csv
from datamodules.text.tables import TEXT_NAMES, find_label, is_header, named_columns
from datamodules.text.text_files import FileTexts, filled, left_out_lines, read_text

WAY_OUT = "a .txt file has one text a line"


def texts_of_column(path: Path, name: str) -> FileTexts:
    """Returns the texts in a named column of a table with a header; blank ones are left out, with a note.

    Args:
        path: The table, as `read_table` takes it; it needs no labels.
        name: Name of the column.

    Raises:
        InputError: The table cannot be read or lacks the column, or the number of columns in a line differs from the
            header.
    """
    rows, (place,), notes = named_columns(path, (name,), f"; --data.text_column names another, and {WAY_OUT}")
    return _texts(path, rows, place, notes)


def texts_of_table(path: Path, label: int | None, class_names: Collection[str]) -> FileTexts:
    """Returns the texts of a table of which no column is named; blank ones are left out, with a note.

    They are its only column; or the one that a header calls a usual name of texts; or of two columns the one that has
    no labels, which is not that of names of classes, or has many different values.

    Args:
        path: The table, with or without a header.
        label: The labels' column where there are two, 0 or 1, if it is known.
        class_names: Names of the classes; labels are these, or their numbers.

    Raises:
        InputError: The table cannot be read, or its texts could be in several columns.
    """
    content = read_text(path)
    usual, *others = (",", ";", "\t") if is_csv(path) else ("\t",)
    refusal, only = None, None
    for sign in (usual, *others):
        try:
            rows = list(cells_of(path, content, sign))
        except InputError as error:  # quotes around cells that another sign divides
            refusal = refusal or error
            continue
        filled = [row for row in rows if row[1]]
        blank = left_out_lines("blank lines", path, [number for number, row in rows if not row])
        if not filled:
            return FileTexts([], blank)
        found = _find(path, filled, label, class_names, sign == usual)
        if found is not None:
            place, has_header = found
            return _texts(path, filled, place, blank, has_header)
        if sign == usual and all(len(row) == 1 for _, row in filled):
            only = _texts(path, filled, 0, blank)  # unless another sign divides it into texts and known labels
    if only is not None:
        return only
    raise refusal or InputError(
        f"{path}: it is not clear which column has the texts; name it text in a first line of names, or {WAY_OUT}"
    )


def _find(
    path: Path, rows: Sequence[Row], label: int | None, class_names: Collection[str], is_usual: bool
) -> tuple[int, bool] | None:
    """Returns which column has the texts, and whether the first row is a header; None if no column is known to.

    Args:
        path: The table.
        rows: Its rows without blank ones.
        label: The labels' column, if it is known.
        class_names: Names of the classes.
        is_usual: Whether its cells are divided by the usual sign; texts can hold another one, too.

    Raises:
        InputError: Either of two columns could have the labels.
    """
    width, *others = {len(row) for _, row in rows}
    named = [place for place, cell in enumerate(rows[0][1]) if cell.strip().lower() in TEXT_NAMES]
    if others or (width == 1 and not is_usual):
        return None
    if len(named) == 1 and len(rows) > 1:
        return named[0], True
    if width != 2:
        return None
    labels = _labels(rows, class_names)
    if labels is None and not is_usual:
        return None
    if label is not None:
        labels = label
    elif labels is None:
        labels = find_label(path, [row for _, row in rows])
    return 1 - labels, is_header(rows, labels)


def _labels(rows: Sequence[Row], class_names: Collection[str]) -> int | None:
    """Returns which of two columns has names of classes alone, or their numbers, but for a header; None if not one."""
    known = {*class_names, *map(str, range(len(class_names)))}
    fitting = [place for place in range(2) if {row[place].strip() for _, row in rows[1:] or rows} <= known]
    return fitting[0] if len(fitting) == 1 else None


def _texts(path: Path, rows: Sequence[Row], place: int, notes: list[str], has_header: bool = False) -> FileTexts:
    """Returns the texts in a column, with notes on a header and on rows without a text."""
    if has_header:
        header, *rows = rows
        notes = [*notes, header_note(path, header)]
    return filled(path, ((number, row[place]) for number, row in rows), "lines without a text", notes)
