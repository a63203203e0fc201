"""The comment at the top of each config that states what its runs measured, written from the table and the records."""

import re
import textwrap
from pathlib import Path

from core.errors import InputError
from core.files.atomic_files import write_atomically
from engine.settings.config_files import find_config
from engine.settings.config_names import CONFIGS, with_schema_line
from results.figures import figures, of_last, show, times
from results.records import Record, Records
from results.rows import Recipe
from results.table import Table

# one comment, whose further lines are indented
MEASURED = re.compile(r"^# (?:Measured|Not yet run).*\n(?:#  .*\n)*", re.MULTILINE)


def headers(table: Table, records: Records) -> dict[Path, str]:
    """Returns the text of every config that has a row, with the figures of its runs and the line for editors filled in.

    Raises:
        InputError: A config has no line `# Measured` or `# Not yet run`, which the figures replace.
    """
    rows: dict[Path, list[Recipe]] = {}
    for row in table:
        rows.setdefault(find_config(row.config), []).append(row)
    texts = {}
    for path, of_config in rows.items():
        text = path.read_text(encoding="utf-8")
        found = MEASURED.search(text)
        if not found:
            raise InputError(f"{path}: its head needs a line '# Not yet run.', which the records replace")
        after = MEASURED.sub("", text[found.start() :])
        text = text[: found.start()] + _lines(of_config, records) + after
        texts[path] = with_schema_line(path, text) if path.is_relative_to(CONFIGS) else text
    return texts


def write_headers(table: Table, records: Records) -> None:
    """Writes the figures of the runs into the configs."""
    for path, text in headers(table, records).items():
        if path.read_text(encoding="utf-8") != text:
            write_atomically(path, text)


def _lines(rows: list[Recipe], records: Records) -> str:
    """Returns the comments on all rows of a config; rows with the same runs give one comment."""
    measured = dict.fromkeys(_measured(row, records[row.id]) for row in rows if records[row.id])
    missing = [row for row in rows if not records[row.id]]
    if not missing:
        return "".join(measured)
    if len(rows) == 1:
        return "# Not yet run.\n"
    names = [row.id + (f" ({_given(row)})" if _given(row) else "") for row in missing]
    return "".join(measured) + _comment(f"Not yet run: {', '.join(names)}.")


def _measured(row: Recipe, records: list[Record]) -> str:
    parts = [
        f"{show(records, metric, row.measure)} {words.format(samples=row.samples)}"
        + (" at the last epoch" if of_last(records, metric) else "")
        for metric, words in row.measure.shown.items()
        if figures(records, metric, row.measure)
    ]
    seeds = ", ".join(str(record.seed) for record in records)
    torch = " and ".join(sorted({record.torch for record in records}))
    text = f"Measured{f' with {_given(row)}' if _given(row) else ''}: {', '.join(parts)} (n = {len(records)}, "
    text += f"{'seeds' if len(records) > 1 else 'seed'} {seeds}; {times(records)}; torch {torch})."
    return _comment(text)


def _given(row: Recipe) -> str:
    """Returns what a row's runs are given beside the config."""
    others = {"--weights": row.weights_from, "--model.judge": row.judge}
    given = [row.typed] if row.options else []
    return " ".join(given + [f"{option} of a run of {name}" for option, name in others.items() if name])


def _comment(text: str) -> str:
    return textwrap.fill(text, 120, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False) + "\n"
