"""The rows of `metrics.csv`: one for an epoch, and one for a validation within an epoch.

`epoch` (from 0), `step` and `seconds` say after how much training a row was measured; earlier releases had no seconds.
"""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.files.atomic_files import write_atomically

NAME = "metrics.csv"
REQUIRED = ("epoch", "step")
PLACES = (*REQUIRED, "seconds")  # columns that say when a row was measured


class MetricRows:
    """Rows of figures by name, as text, with the `epoch` and `step` after which they were measured."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []

    def read(self, folder: Path) -> None:
        """Takes up the rows of a run's folder, if there are any."""
        if (folder / NAME).exists():
            with open(folder / NAME, newline="", encoding="utf-8") as file:
                self.rows = list(csv.DictReader(file))

    def add(self, row: Mapping[str, float | int]) -> None:
        """Adds a row, or adds to the latest one if that is of the same epoch and step."""
        texts = {name: str(value) if isinstance(value, int) else f"{value:.6g}" for name, value in row.items()}
        if self.rows and all(self.rows[-1][name] == texts[name] for name in REQUIRED):
            texts = self.rows.pop() | texts
        self.rows.append(texts)

    def cut(self, step: int) -> None:
        """Drops what was measured after a step."""
        self.rows = [row for row in self.rows if int(row["step"]) <= step]

    def reopen(self, epoch: int, validation: Collection[str], validated_at: int | None = None) -> list[dict[str, str]]:
        """Drops the row of an epoch that goes on, or begins anew, and gets its row at its end.

        Args:
            epoch: The epoch, from 0.
            validation: Names of what its validations measure.
            validated_at: Step of its latest validation with a row of its own, until which rows stay; in the row of this
                step there may also be figures of the epoch, if it was cut there. None if it has no such validation.

        Returns:
            The rows of earlier epochs.
        """

        def stays(name: str) -> bool:
            return name in (*PLACES, *validation) or is_rate(name)

        ended = [row for row in self.rows if int(row["epoch"]) < epoch]
        last = -1 if validated_at is None else validated_at
        within = [row for row in self.rows if int(row["epoch"]) >= epoch and int(row["step"]) <= last]
        if within and int(within[-1]["step"]) == last:
            within[-1] = {name: text for name, text in within[-1].items() if stays(name)}
        self.rows = ended + within
        return ended

    def write(self, folder: Path) -> None:
        """Writes them into a run's folder, if there are any."""
        if not self.rows:
            return
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(folder / NAME, text.getvalue())


def is_rate(name: str) -> bool:
    """Returns whether a column holds a learning rate: `lr`, or `lr/` and which it is where there are several."""
    return name == "lr" or name.startswith("lr/")


def times_in_epochs(places: Sequence[tuple[float, float]]) -> list[float]:
    """Returns when each row was measured, in epochs: an epoch's last row at its end, earlier ones by their steps.

    Args:
        places: Epoch and step of each row.
    """
    ends = dict(places)
    times = []
    for epoch, step in places:
        begin, end = ends.get(epoch - 1, 0), ends[epoch]
        times.append(epoch + ((step - begin) / (end - begin) if end > begin else 1.0))
    return times


def without_copies(logged: Mapping[str, Any]) -> dict[str, Any]:
    """Returns logged values without what Lightning adds to a name that is logged by step and by epoch."""
    parts = [name.partition("/dataloader_idx_") for name in logged]  # the last two are empty but for several loaders
    copies = {f"{name}_{kind}{mark}{loader}" for name, mark, loader in parts for kind in ("step", "epoch")}
    return {name: value for name, value in logged.items() if name not in copies}


def intact_rows(path: Path) -> list[str]:
    """Returns the lines of a `metrics.csv` that can be read, the header first; none if that is damaged."""
    try:
        return intact_lines(path.read_bytes().decode("utf-8", errors="replace"))
    except OSError:
        return []


def intact_lines(text: str) -> list[str]:
    """Returns the lines of a text that are those of a `metrics.csv`, the header first; none if that is damaged."""
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    header = _cells(lines[0]) if lines else []
    if not {*REQUIRED} <= {*header}:
        return []
    required = [header.index(name) for name in REQUIRED]

    def is_intact(line: str) -> bool:
        cells = _cells(line)
        if len(cells) != len(header) or not line.endswith("\n"):
            return False
        whole = all(re.fullmatch(r"[0-9]{1,15}", cells[place]) for place in required)
        return whole and all(cell == "" or _is_number(cell) for cell in cells)

    return [lines[0], *(line for line in lines[1:] if is_intact(line))]


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line), strict=True), [])
    except csv.Error:
        return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
