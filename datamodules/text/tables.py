"""Tables of texts and labels: two columns, or a header that names more."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from datamodules.text.table_rows import (
    Row,
    cells_of,
    header_note,
    is_csv,
    is_table,
    names_of,
    shown_names,
    without_quotes,
)
from datamodules.text.text_files import LabelledTexts, left_out_lines, read_text

MANY = 200  # most classes; a column with more different values is taken for texts
LABEL_NAMES = {
    *("label", "labels", "class", "classes", "category", "target", "sentiment", "polarity", "topic", "tag", "intent"),
    *("emotion", "rating", "stars", "score", "y", "label_id", "类别", "标签"),
}  # what people call the column of labels in a header
TEXT_NAMES = {
    *("text", "texts", "sentence", "sentences", "review", "reviews", "content", "comment", "title", "headline"),
    *("document", "message", "body", "tweet", "phrase", "question", "description", "sms", "文本", "内容"),
}  # and that of texts

DIGITS = 18  # most of the number of a class


def read_columns(path: Path, label: int | None, names: Sequence[str] | None = None) -> LabelledTexts:
    """Reads a file of two columns, one text per line: text and label, in either order.

    Columns are separated by the line's first or last tab or, in a `.csv` file, by commas (with the usual quotes),
    semicolons or tabs. A first line that looks like a header, blank lines, and lines with an empty label are left out,
    with a note.

    Args:
        path: The file.
        label: The label's column, 0 or 1; if not given, the one with few different values.
        names: Names of the classes, if the file numbers them from 0.

    Raises:
        InputError: The file cannot be read or has no texts, or a line does not have two columns; the message names it.
    """
    content = read_text(path)
    rows, blank = _comma_rows(path, content) if is_csv(path) else _tab_rows(path, content, label)
    for number, row in rows:
        if len(row) != 2:
            hint = "; data.text_column and data.label_column name columns of a header" if number == 1 else ""
            raise InputError(f"{path}, line {number}: {len(row)} columns, where text and label are expected{hint}")
    if not rows:
        raise InputError(f"{path}: no texts in it")
    if label is None:
        label = find_label(path, [row for _, row in rows])
    part = LabelledTexts(label_column=label, notes=left_out_lines("blank lines", path, blank))
    if is_header(rows, label):
        part.notes.append(header_note(path, rows.pop(0)))
    _add(part, path, rows, 1 - label, label, names)
    return part


def read_table(path: Path, text: str, label: str) -> LabelledTexts:
    """Reads a file with a header, whose columns are separated by commas, tabs or semicolons.

    Blanks around names do not count; blank lines, and lines with an empty label, are left out with a note.

    Args:
        path: The file.
        text: Name of the text column.
        label: Name of the label column.

    Raises:
        InputError: The file cannot be read, lacks a column or has no texts, or the number of columns in a line differs
            from the header.
    """
    rows, (text_place, label_place), notes = named_columns(path, (text, label))
    part = LabelledTexts(notes=notes)
    _add(part, path, rows, text_place, label_place, None)
    return part


def named_columns(path: Path, names: Sequence[str], way_out: str = "") -> tuple[list[Row], list[int], list[str]]:
    """Reads a file with a header, as `read_table`.

    Args:
        path: The file.
        names: Names of columns.
        way_out: What a message about an absent column ends with.

    Returns:
        The rows below the header, the place of each of these columns, and notes about blank lines.

    Raises:
        InputError: The file cannot be read or lacks a column, or the number of columns in a line differs from the
            header.
    """
    content = read_text(path)
    tables = {sign: cells_of(path, content, sign) for sign in ((",", "\t", ";") if is_csv(path) else ("\t", ",", ";"))}
    found = {sign: names_of(rows) for sign, rows in tables.items()}
    headers = {sign: header for sign, header in found.items() if not isinstance(header, InputError)}
    wanted = [name.strip() for name in names]
    sign = next((sign for sign, header in headers.items() if {*wanted} <= {*header}), None)
    if sign is None:
        best = max(headers.values(), key=len)
        if is_csv(path) and "," not in headers and len(best) < 2:
            raise found[","]
        missing = next(name for name in names if name.strip() not in best)
        raise InputError(f"{path}: no column {missing!r}; it has {shown_names(best)}{way_out}")
    header, rows = headers[sign], list(tables[sign])
    blank = [number for number, row in rows if not row]
    rows = [(number, row) for number, row in rows if row]
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} columns, where the header has {len(header)}")
    return rows, [header.index(name) for name in wanted], left_out_lines("blank lines", path, blank)


def _add(
    part: LabelledTexts, path: Path, rows: Sequence[Row], text: int, label: int, names: Sequence[str] | None
) -> None:
    """Adds rows with a label to a part, and notes the others.

    Raises:
        InputError: There is none with a label.
    """
    for number, row in rows:
        if name := row[label].strip():
            place = f"{path}, line {number}"
            part.add(row[text], _class_name(name, names, place), place)
    part.notes += left_out_lines("lines without a label", path, [n for n, row in rows if not row[label].strip()])
    if not part.texts:
        raise InputError(f"{path}: no texts in it")


def is_header(rows: Sequence[Row], label: int) -> bool:
    """Returns whether the first row has names of columns: its label is no other row's, and is such a name."""
    first = [cell.strip() for cell in rows[0][1]]
    others = {row[label].strip() for _, row in rows[1:]}
    if not others or first[label] in others or not first[label]:
        return False
    if first[label].lower() in LABEL_NAMES or first[1 - label].lower() in TEXT_NAMES:
        return True
    return not _is_number(first[label]) and all(_is_number(other) for other in others if other)


def _is_number(label: str) -> bool:
    return label.removeprefix("-").isdecimal()


def _tab_rows(path: Path, content: str, label: int | None) -> tuple[list[Row], list[int]]:
    rows, blank = [], []
    for number, line in enumerate(content.rstrip("\n").split("\n"), 1):
        if not line.strip():
            blank.append(number)
            continue
        if "\t" not in line:
            raise InputError(f"{path}, line {number}: no tab between text and label")
        # a text may contain tabs
        rows.append((number, line.split("\t") if label is None else _cut(line, label)))
    return without_quotes(rows) if is_table(path) else rows, blank


def _cut(line: str, label: int) -> list[str]:
    return line.split("\t", 1) if label == 0 else line.rsplit("\t", 1)


def _comma_rows(path: Path, content: str) -> tuple[list[Row], list[int]]:
    """Returns rows and the numbers of blank lines; divided by semicolons or tabs if only these give two columns."""
    by_commas, refusal = None, None
    for sign in (",", ";", "\t"):
        try:
            found = list(cells_of(path, content, sign))
        except InputError as error:  # quotes around cells that another sign divides
            refusal = refusal or error
            continue
        rows, blank = [(number, row) for number, row in found if row], [number for number, row in found if not row]
        if sign == ",":
            by_commas = rows, blank
        if all(len(row) == 2 for _, row in rows):
            return rows, blank
    if by_commas is None:
        raise refusal
    return by_commas


def find_label(path: Path, rows: Sequence[Sequence[str]]) -> int:
    """Returns which of two columns has the labels: the one with few different values.

    Raises:
        InputError: It could be either.
    """
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
    if not label.isdecimal() or len(label) > DIGITS or int(label) >= len(names):
        raise InputError(f"{place}: label {label!r}, where 0 to {len(names) - 1} are expected")
    return names[int(label)]
