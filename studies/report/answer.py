"""A study's answer in one picture: the figure that counts over the values that were swept."""

import json
import math
from collections.abc import Sequence
from typing import Any

from core.terminal.printable import first_of
from engine.settings.run_identity import is_share
from studies.parameters import is_number
from studies.report.curves import short
from studies.report.groups import ABSENT, Group, short_names, shown_setting
from studies.report.metrics import Metrics

LOG_FROM = 20  # a scale is logarithmic if its greatest value is so many times its least
MOST_LINES = 10  # of one panel
MOST_PANELS = 12
GAPS = 3  # one of so many combinations at least is there, or they are no grid
NAMED = 3  # groups of a line
GRID = 3  # parameters at most that are shown as axis, lines and panels


def answer(groups: Sequence[Group], metrics: Metrics) -> dict[str, Any] | None:
    """Returns the panels of the picture; None where nothing was swept, or no run has a figure.

    Up to three parameters that were combined are the axis (the one with the most numbers), the lines, and the panels.
    Where there are more, or values were drawn, each parameter has a panel in which every point is a group.

    Args:
        groups: The groups, whose settings are the parameters.
        metrics: Which figure counts.
    """
    names = list(groups[0].settings)
    if not names or metrics.counts is None or not any(one.statistics(metrics.counts).values for one in groups):
        return None
    values = {name: in_order(name, groups) for name in names}
    ordered = sorted(names, key=lambda name: (not are_numbers(values[name]), -len(values[name])))
    lines, panels = [*ordered[1:], None, None][:2]
    is_grid = (
        len(names) <= GRID
        and len(groups) * GAPS >= math.prod(len(one) for one in values.values())
        and (lines is None or len(values[lines]) <= MOST_LINES)
        and (panels is None or len(values[panels]) <= MOST_PANELS)
    )
    short_name = short_names(names)

    def panel(title: str, axis: str, lines: str | None, members: Sequence[Group]) -> dict[str, Any]:
        return {"title": title} | _panel(axis, lines, values, members, metrics, short_name, groups)

    if not is_grid:
        shown = [panel(short_name[name], name, None, groups) for name in ordered[:MOST_PANELS]]
    elif panels is None:
        shown = [panel("", ordered[0], lines, groups)]
    else:
        shown = [
            panel(
                f"{short_name[panels]} = {shown_setting(panels, chosen)}",
                ordered[0],
                lines,
                [one for one in groups if _has([chosen], panels, one)],
            )
            for chosen in values[panels]
        ]
    reached = [value for one in groups for value in one.statistics(metrics.counts).values]
    known = metrics.measures.get(metrics.counts.partition("/")[2])
    percent = known is not None and known.unit == "%"
    return {
        "metric": metrics.counts,
        "loose": not is_grid,
        "percent": percent,
        "log": not percent and metrics.mode == "min" and spans(reached),
        "lines": short_name[lines] if is_grid and lines else "",
        "panels": shown,
    }


def spans(values: Sequence[Any]) -> bool:
    """Returns whether numbers are spread over so wide a range that their scale is to be logarithmic."""
    return len({*values}) > 2 and min(values) > 0 and max(values) >= LOG_FROM * min(values)


def is_numeric(name: str, values: Sequence[Any]) -> bool:
    """Returns whether a parameter's values are numbers, and one scale can show them.

    It cannot where one is 0 and the others ask for logarithms, or where some are batches and others shares of all.
    """
    if not are_numbers(values) or (is_share(name) and len({type(value) for value in values}) > 1):
        return False
    positive = [value for value in values if value > 0]
    return len(positive) == len(values) or not spans(positive)


def are_numbers(values: Sequence[Any]) -> bool:
    """Returns whether all values are numbers."""
    return all(map(is_number, values))


def in_order(name: str, groups: Sequence[Group]) -> list[Any]:
    """Returns the values of a parameter: numbers by size, all others as they come in the study."""
    found: list[Any] = []
    for one in sorted(groups, key=lambda one: _number(one)):
        if not _has(found, name, one):
            found.append(one.settings[name])
    return [*sorted(filter(is_number, found)), *(value for value in found if not is_number(value))]


def _has(values: Sequence[Any], name: str, one: Group) -> bool:
    """Returns whether a group's value of a parameter is among these."""
    return any(_key(name, value) == _key(name, one.settings[name]) for value in values)


def _number(one: Group) -> float:
    """Returns a group's place in its study."""
    return min((run.trial.number for run in one.runs if run.trial is not None), default=math.inf)


def _panel(
    axis: str,
    lines: str | None,
    values: dict[str, list[Any]],
    members: Sequence[Group],
    metrics: Metrics,
    short_name: dict[str, str],
    groups: Sequence[Group],
) -> dict[str, Any]:
    """Returns one panel: a line for each value of `lines`, and the values at which nothing was reached."""
    numeric = is_numeric(axis, values[axis])

    def place(one: Group) -> Any:
        value = one.settings[axis]
        return value if numeric else shown_setting(axis, value)

    order = {_key(axis, value): number for number, value in enumerate(values[axis])}
    shown = []
    for chosen in values[lines] if lines else [None]:
        own = [one for one in members if lines is None or _has([chosen], lines, one)]
        own.sort(key=lambda one: order[_key(axis, one.settings[axis])])
        known = [one for one in own if one.statistics(metrics.counts).values]
        statistics = [one.statistics(metrics.counts) for one in known]
        shown.append(
            {
                "name": "" if lines is None else shown_setting(lines, chosen),
                "x": [place(one) for one in known],
                "y": [short(one.mean or 0.0) for one in statistics],
                "deviation": [short(one.deviation or 0.0) for one in statistics],
                "points": [[place(one), short(v)] for one, s in zip(known, statistics, strict=True) for v in s.values],
                "group": [groups.index(one) for one in known],
            }
        )
    return {
        "axis": short_name[axis],
        "scale": "category" if not numeric else "log" if spans(values[axis]) else "linear",
        "order": [shown_setting(axis, value) for value in values[axis]] if not numeric else [],
        "lines": shown,
        "failed": [
            {"x": place(one), "text": f"{one.label}: {_counted(one.statuses)}"}
            for one in members
            if one.has_ended and not one.statistics(metrics.counts).values and one.settings[axis] != ABSENT
        ],
    }


def _key(name: str, value: Any) -> Any:
    """Returns a value as a key of a dictionary, whatever it holds; equal numbers have one, such as 16 and 16.0.

    Others are told apart as groups are: `true` is not 1, nor [1] [1.0].
    """
    is_count = is_share(name) and value != 0  # no batch is no share of them, either
    return value if is_number(value) and not is_count else json.dumps(value, sort_keys=True, default=str)


def _counted(statuses: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {status}" for status, count in statuses)


def sentences(groups: Sequence[Group], metrics: Metrics) -> list[str]:
    """Returns the answer in words: the best, what is as good within the spread, and what reached nothing.

    Args:
        groups: The groups, the best first.
        metrics: Which figure counts.
    """
    if metrics.counts is None or len(groups) < 2:
        return []
    known = [(one, one.statistics(metrics.counts)) for one in groups if one.statistics(metrics.counts).values]
    if not known:
        return [f"No run has reached a value of {metrics.counts}."]

    def said(one: Group, statistics: Any) -> str:
        name, many = metrics.counts or "", len(statistics.values)
        text = f"{one.label} with {name} {metrics.text(name, statistics.mean, statistics.deviation)}"
        if lost := one.lacking(name):
            return f"{text} ({many} of {len(one.runs)} runs; {_counted(lost)})"
        return f"{text} (n = {many})" if many > 1 else text

    best, first = known[0]
    lines = [f"Best: {said(best, first)}."]
    if len(known) > 1:
        close = [one.label for one, statistics in known[1:] if _is_close(first, statistics)]
        if first.deviation is None:
            others_known = any(statistics.deviation is not None for _, statistics in known)
            of, those = ("of the best", known[:1]) if others_known else ("a setting", known)
            has = " has a value" if any(one.lacking(metrics.counts) for one, _ in those) else ""
            lines.append(f"One run {of}{has}: how much another seed changes is not known.")
        elif close:
            lines.append(f"Not told apart from it by these seeds: {first_of(close, NAMED)}.")
        lines.append(f"Worst: {said(*known[-1])}.")
    lost = [one for one in groups if one.has_ended and not one.statistics(metrics.counts).values]
    pruned = [one for one in lost if any(run.status == "pruned" for run in one.runs)]
    for words, those in (("Pruned, and not ranked", pruned), ("Without a value", [o for o in lost if o not in pruned])):
        if those:
            lines.append(f"{words}: {first_of([one.label for one in those], NAMED)}.")
    return lines


def _is_close(best: Any, other: Any) -> bool:
    """Returns whether two means are within twice the standard error of their difference."""
    if best.deviation is None:
        return False
    deviation = best.deviation if other.deviation is None else other.deviation
    error = math.hypot(best.deviation / math.sqrt(len(best.values)), deviation / math.sqrt(len(other.values)))
    return abs(best.mean - other.mean) <= 2 * error
