"""Figures in the lessons, each with the row of `results/table.yaml`, or the study, whose figure it is."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import InputError
from results.figures import mean_std
from results.records import Records
from results.rows import Published
from results.studies import StudyRecord
from results.table import Table

OURS = re.compile(r"\*\*([\d.,]+(?: ± [\d.]+)?)( %)?\*\*\s\(`([\w.]+(?: [^`]+)?)`, n (\d+)(?:, `([\w/]+)`)?\)")
PUBLISHED = re.compile(r"(?<!\*)\*([\d.,]+(?: to [\d.]+)?)(?: %)?\*\s\(`([\w.]+)`\)")


class Claim(NamedTuple):
    """A figure in a text.

    Attributes:
        row: The row's name.
        text: The figure as it stands there.
        expected: What would have to stand there; for a published figure, where it would have to be found.
        holds: Whether they agree.
    """

    row: str
    text: str
    expected: str
    holds: bool


def claims(text: str, table: Table, records: Records, studies: dict[str, StudyRecord]) -> Iterator[Claim]:
    """Yields the figures of a text.

    Ours are `**97.17 ± 0.21 %** (`row`, n 3, `val/acc`)`, with the accuracy on the test set if no value is named. Those
    of a study's point are `**0.161 ± 0.004** (`learning_rates lr=0.001`, n 3)`, of the value that the study counts;
    published ones are `*97.48 %* (`row`)`, of the row's published number or of the remark on it.

    Args:
        text: The text.
        table: The table.
        records: Its records.
        studies: The records of studies.

    Raises:
        InputError: A row, a study or its records are not there.
    """
    for figure, percent, name, n, metric in OURS.findall(_unwrapped(text)):
        values = [value * (100 if percent else 1) for value in _values(name, metric, records, studies)]
        if not values:
            raise InputError(f"{name}: the lessons name it, and it has no record")
        digits = len(figure.split(" ")[0].partition(".")[2])
        expected = mean_std(values, digits)
        yield Claim(
            name, f"{figure}, n {n}", f"{expected}, n {len(values)}", (figure, int(n)) == (expected, len(values))
        )
    for figure, name in PUBLISHED.findall(_unwrapped(text)):
        row = table[name]
        if not isinstance(row, Published):
            raise InputError(f"{name}: nothing was published about it")
        known = f"{row.published} {row.remark}"
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", known)]
        holds = all(float(number) in numbers for number in re.findall(r"[\d.]+", figure))
        yield Claim(name, figure, known, holds)


def _unwrapped(text: str) -> str:
    """Returns a text whose lines may end within a figure in one line."""
    return " ".join(text.split())


def _values(name: str, metric: str, records: Records, studies: dict[str, StudyRecord]) -> list[float]:
    """Returns a value of all runs of a row, or of a study's point; nothing if there is no record."""
    study, _, label = name.partition(" ")
    if not label:
        return [record.metrics[metric or "test/acc"] for record in records.get(name, [])]
    points = studies[study].points if study in studies else []
    return [value for one in points if one.label == label for value in one.values(metric or studies[study].metric)]


def unnamed(text: str) -> list[str]:
    """Returns the percentages with two decimals, as results have them, that name no row."""
    rest = PUBLISHED.sub("", OURS.sub("", _unwrapped(text)))
    return re.findall(r"\d+\.\d\d+ %", rest)
