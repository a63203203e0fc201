"""What the head of each config says of its runs, made of the table and the records like the page."""

import re
import textwrap
from pathlib import Path
from statistics import mean

from core.atomic_files import write_atomically
from core.errors import InputError
from engine.arguments import find_config
from results.figures import figures, spread
from results.records import Record, Records
from results.table import Recipe, Table

# one comment, whose further lines are indented
MEASURED = re.compile(r"^# (?:Measured|Not yet run).*\n(?:#  .*\n)*", re.MULTILINE)


def headers(table: Table, records: Records) -> dict[Path, str]:
    """Returns the text of every config that has a row, with what was measured.

    Raises:
        InputError: A config's head does not say what was measured, nor that nothing was.
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
        measured = "".join(_measured(row, records[row.id]) for row in of_config if records[row.id])
        after = MEASURED.sub("", text[found.start() :])
        texts[path] = text[: found.start()] + (measured or "# Not yet run.\n") + after
    return texts


def write_headers(table: Table, records: Records) -> None:
    """Writes what was measured into the configs."""
    for path, text in headers(table, records).items():
        if path.read_text(encoding="utf-8") != text:
            write_atomically(path, text)


def _measured(row: Recipe, records: list[Record]) -> str:
    given = row.flags + ([f"--weights of a run of {row.weights_from}"] if row.weights_from else [])
    shown = {
        "test/acc": f"% of all test {row.samples}",
        "test/acc_first_2000": "% of the first 2,000",
        "val/acc": "% in validation",
        "test/loss": "nats a character of the test text",
        "val/loss": "nats a character in validation",
    }
    kind = "acc" if row.measure == "accuracy" else "loss"
    parts = [
        f"{spread(figures(records, metric), metric)} {what}"
        for metric, what in shown.items()
        if kind in metric and figures(records, metric)
    ]
    seeds = ", ".join(str(record.seed) for record in records)
    hardware = " and ".join(sorted({record.hardware for record in records}))
    torch = " and ".join(sorted({record.torch for record in records}))
    seconds = f"{mean(record.seconds for record in records):,.0f} s on {hardware}"
    text = f"Measured{' with ' + ' '.join(given) if given else ''}: {', '.join(parts)} (n = {len(records)}, "
    text += f"{'seeds' if len(records) > 1 else 'seed'} {seeds}; {seconds}; torch {torch})."
    return textwrap.fill(text, 120, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False) + "\n"
