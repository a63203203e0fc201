"""What was measured while the runs trained, by epoch, step and second: a line for each group, with a band."""

import bisect
import math
from collections.abc import Sequence
from typing import Any

from core.metric_rows import PLACES, is_rate, times_in_epochs
from studies.report.groups import Group
from studies.report.reported import ReportedRun

BY = ("epoch", "step", "seconds")
MOST_NUMBERS = 120_000  # in the curves of a page: about a megabyte
MOST_POINTS = 400  # of a line; more are not told apart on a screen
FEWEST_POINTS = 20

Points = list[tuple[float, float]]


def curves(groups: Sequence[Group]) -> dict[str, list[dict[str, Any]]]:
    """Returns the lines of each logged name: learning rates last.

    A line has the place of its group, and for each of `BY` its points: `x`, the mean `y`, and, of several runs, the
    least and the greatest of those that have come as far, `low` and `high`. What was not measured is left out, such as
    the seconds of runs of earlier releases.

    Args:
        groups: The groups.
    """
    names = dict.fromkeys(name for one in groups for run in one.runs for row in run.rows for name in row)
    figures = [name for name in names if name not in PLACES]
    figures.sort(key=is_rate)
    lines = sum(any(name in row for run in one.runs for row in run.rows) for one in groups for name in figures)
    most = max(FEWEST_POINTS, min(MOST_POINTS, MOST_NUMBERS // max(1, lines * len(BY) * 3)))
    places = {id(run): _places(run) for one in groups for run in one.runs}
    found = {}
    for name in figures:
        lines_of_name = []
        for number, one in enumerate(groups):
            by = {kind: _line([_points(run, name, kind, places[id(run)]) for run in one.runs], most) for kind in BY}
            if any(line["x"] for line in by.values()):
                lines_of_name.append({"group": number} | by)
        found[name] = lines_of_name
    return found


def _places(run: ReportedRun) -> dict[str, list[float | None]]:
    """Returns where each row of a run lies."""
    return {
        "epoch": times_in_epochs([(row["epoch"], row["step"]) for row in run.rows]),
        "step": [row["step"] for row in run.rows],
        "seconds": [row.get("seconds") for row in run.rows],
    }


def _points(run: ReportedRun, name: str, kind: str, places: dict[str, list[float | None]]) -> Points:
    return [
        (place, row[name])
        for place, row in zip(places[kind], run.rows, strict=True)
        if place is not None and name in row and math.isfinite(row[name])
    ]


def _line(runs: Sequence[Points], most: int) -> dict[str, list[float]]:
    """Returns the mean of several runs' lines, and their band.

    Args:
        runs: The points of each run.
        most: How many points are kept.
    """
    runs = [points for points in runs if points]
    if len(runs) == 1:
        kept = _thinned(runs[0], most)
        return {"x": [short(x) for x, _ in kept], "y": [short(y) for _, y in kept]}
    line: dict[str, list[float]] = {"x": [], "y": [], "low": [], "high": []}
    for place in _thinned(sorted({x for points in runs for x, _ in points}), most):
        values = [value for points in runs if (value := _at(points, place)) is not None]
        line["x"].append(short(place))
        line["y"].append(short(sum(values) / len(values)))
        line["low"].append(short(min(values)))
        line["high"].append(short(max(values)))
    return line


def _at(points: Points, place: float) -> float | None:
    """Returns a line's value at a place, also between two points; None before its first and after its last."""
    after = bisect.bisect_left(points, (place, -math.inf))
    if after < len(points) and points[after][0] == place:
        return points[after][1]
    if after in (0, len(points)):
        return None
    (x, y), (next_x, next_y) = points[after - 1 : after + 1]
    return y + (next_y - y) * (place - x) / (next_x - x)


def _thinned(values: list[Any], most: int) -> list[Any]:
    """Returns at most so many of the values, evenly, the first and the last among them."""
    if len(values) <= most:
        return values
    return [values[round(number * (len(values) - 1) / (most - 1))] for number in range(most)]


def short(value: float) -> float:
    """Returns a number with five digits, as a chart needs it."""
    return float(f"{value:.5g}")
