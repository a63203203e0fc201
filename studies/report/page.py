"""What stands in the page of a report, from its title to the settings that all runs share."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.durations import duration_in_words
from core.measures import merit
from core.pages.page import render
from core.terminal.printable import counted
from studies.report.answer import answer, are_numbers, in_order, is_numeric, sentences, spans
from studies.report.curves import curves, short
from studies.report.details import describe_run, machines, shared
from studies.report.groups import ABSENT, Group, group, short_names, shown_setting
from studies.report.media import media
from studies.report.metrics import Metrics
from studies.report.reported import ReportedRun, Study

HERE = Path(__file__).parent
MOST_COLUMNS = 6  # settings in the table; more are a table of their own
MOST_FIGURES = 3  # beside the one that counts
MOST_AXES = 12  # of parallel coordinates
SWEPT = 3  # settings that differ, up to which runs that are no study have a picture of the answer, too


def page(runs: Sequence[ReportedRun], study: Study | None, metrics: Metrics) -> str:
    """Returns the page.

    Args:
        runs: The runs.
        study: Their study, if they are of one.
        metrics: Which figure counts.

    Raises:
        InputError: Plotly is not installed.
    """
    groups = group(runs, study, metrics)
    names = list(groups[0].settings)
    short_name = short_names(names)
    figures = _other_figures(groups, metrics)
    ordered = _is_ordered(groups, names)
    by_number = sorted(groups, key=lambda one: one.settings[names[0]]) if ordered else groups
    charts = {
        "groups": [
            {
                "label": one.label,
                "n": sum(bool(run.rows) for run in one.runs),  # of its curves
                "place": by_number.index(one),  # of its colour
            }
            for one in groups
        ],
        "ordered": ordered,
        "percent": [name for name, measure in metrics.measures.items() if measure.unit == "%"],
        "curves": curves(groups),
        "answer": answer(groups, metrics) if study is not None or len(names) <= SWEPT else None,
        "parallel": _parallel(groups, metrics, names, short_name),
    }
    return render(
        HERE / "page.html",
        title=study.name if study is not None else _title(runs),
        scripts=[HERE / "curves.js", HERE / "answer.js", HERE / "parallel.js"],
        charts=True,
        lead=_lead(runs, study, groups, metrics),
        sentences=sentences(groups, metrics),
        columns=[
            {"name": name, "short": short_name[name], "numbers": are_numbers([one.settings[name] for one in groups])}
            for name in names
        ],
        is_wide=len(names) > MOST_COLUMNS,
        figures=figures,
        rows=[_row(one, metrics, names, figures) for one in groups],
        counts=metrics.counts,
        media=media(groups),
        runs=[describe_run(run, one, metrics) for one in groups for run in one.runs],
        machines=machines(runs),
        shared=shared(runs, study, names),
        data=charts,
    )


def _title(runs: Sequence[ReportedRun]) -> str:
    if len(runs) == 1:
        return runs[0].name
    folders = {run.path.parent for run in runs}
    return f"{len(runs)} runs" + (f" of {folders.pop().name}" if len(folders) == 1 else "")


def _lead(runs: Sequence[ReportedRun], study: Study | None, groups: Sequence[Group], metrics: Metrics) -> list[str]:
    """Returns what stands under the title."""
    many = counted(len(runs), "run")
    settings = f" of {len(groups)} settings" if 1 < len(groups) < len(runs) else ""
    seconds = sum(run.seconds or 0.0 for run in runs)
    better = "more" if metrics.mode == "max" else "less"
    statuses = Counter(run.status for run in runs).most_common()
    return [
        f"{'Study' if study is not None else 'Report'}: {many}{settings}",
        ", ".join(status if len(statuses) == 1 else f"{count} {status}" for status, count in statuses),
        *([f"compared by {metrics.counts}, {better} is better"] if metrics.counts and len(runs) > 1 else []),
        f"{duration_in_words(seconds)} of training",
        f"written {datetime.now().astimezone().strftime('%Y-%m-%d %H:%M')}",
    ]


def _other_figures(groups: Sequence[Group], metrics: Metrics) -> list[str]:
    """Returns the names of figures that the table shows beside the one that counts: tests before validation."""
    names = dict.fromkeys(name for one in groups for run in one.runs for name in run.compared)
    order = {"test": 0, "val": 1, "valid": 1, "train": 2}
    chosen = [name for name in names if name != metrics.counts]
    chosen.sort(key=lambda name: order.get(name.replace("_", "/").partition("/")[0], 1))
    return chosen[:MOST_FIGURES]


def _row(one: Group, metrics: Metrics, names: Sequence[str], figures: Sequence[str]) -> dict[str, Any]:
    """Returns a group as the table shows it."""
    statistics = one.statistics(metrics.counts or "")
    best = max(statistics.values, key=lambda value: merit(value, metrics.mode), default=None)
    seconds = one.seconds.mean
    many, total = len(statistics.values) if metrics.counts else len(one.runs), len(one.runs)
    return {
        "label": one.label,
        "settings": [{"text": shown_setting(name, one.settings[name]), "value": one.settings[name]} for name in names],
        "n": {"value": many, "text": str(many) if many == total else f"{many} of {total}"},
        "statuses": [{"name": status, "count": count} for status, count in one.statuses],
        "counts": _cell(one, metrics.counts or "", metrics),
        "best": {"value": best, "text": metrics.text(metrics.counts or "", best)},
        "figures": [_cell(one, name, metrics) for name in figures],
        "seconds": {
            "value": seconds,
            "text": "" if seconds is None else f"{seconds:,.0f}" if seconds > 100 else f"{seconds:.1f}",
        },
    }


def _cell(one: Group, name: str, metrics: Metrics) -> dict[str, Any]:
    statistics = one.statistics(name)
    return {"value": statistics.mean, "text": metrics.text(name, statistics.mean, statistics.deviation)}


def _is_ordered(groups: Sequence[Group], names: Sequence[str]) -> bool:
    """Returns whether the groups differ in one number, so that their colours follow it."""
    return len(names) == 1 and len(groups) > 2 and is_numeric(names[0], [one.settings[names[0]] for one in groups])


def _parallel(
    groups: Sequence[Group], metrics: Metrics, names: Sequence[str], short_name: dict[str, str]
) -> dict[str, Any] | None:
    """Returns what parallel coordinates show; None where they show nothing that the table does not."""
    known = [number for number, one in enumerate(groups) if metrics.counts and one.statistics(metrics.counts).values]
    if not 2 <= len(names) <= MOST_AXES or len(known) < 3:
        return None
    axes = []
    for name in names:
        values = [groups[number].settings[name] for number in known]
        numeric = is_numeric(name, values)
        axes.append(
            {
                "name": short_name[name],
                "scale": "category" if not numeric else "log" if spans(values) else "linear",
                "values": [value if numeric else shown_setting(name, value) for value in values],
                "order": [] if numeric else [shown_setting(name, value) for value in in_order(name, groups)],
            }
        )
    reached = [short(groups[number].statistics(metrics.counts or "").mean or 0.0) for number in known]
    last = {
        "name": metrics.counts,
        "scale": "log" if metrics.mode == "min" and spans(reached) else "linear",
        "values": reached,
    }
    return {"groups": known, "axes": [*axes, last], "better": metrics.mode, "absent": ABSENT}
