"""The picture docs/images/results.png: one line for each row with the published number and ours."""

from collections.abc import Callable, Sequence
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from results.figures import figures
from results.overview import COMPARED, verdict
from results.records import Records
from results.rows import Published
from results.table import Table

Placed = Sequence[tuple[int, Published]]  # rows with their places in the picture
Origin = Callable[[Published], float]  # where the zero of a row lies

# How what our runs give compares with the published number: its colour and its marker.
OURS = {
    "reproduced": ("tab:blue", "o"),
    "better": ("tab:green", "^"),
    "short": ("tab:red", "v"),
    "no number to compare": ("gray", "s"),
}
LINEAR = 1.0  # percentage points up to which differences are drawn to scale
SMALL = {"fontsize": 8, "color": "dimgray"}
TICKS = (-50, -10, -3, -1, 0, 1, 3, 10, 50)


def draw(table: Table, records: Records) -> Figure:
    """Draws every published row that has a number in percent, from top to bottom in the order of the page.

    Returns:
        The figure: accuracies on the left, and on the right how far ours are from what was published.
    """
    groups = [(section.title, [row for row in section.rows if _has_number(row, records)]) for section in table.sections]
    groups = [(title, rows) for title, rows in groups if rows]
    rows = [row for _, group in groups for row in group]
    figure = Figure(figsize=(12, 2.0 + 0.3 * len(rows)), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))

    placed = list(enumerate(rows))
    compared = [(place, row) for place, row in placed if verdict(row, records[row.id]) in COMPARED]
    handles = [_published(left, [(place, row) for place, row in placed if row.number is not None], _zero, errors=1)]
    handles += _ours(left, placed, records, _zero)
    _published(right, compared, _number, errors=2)
    _ours(right, compared, records, _number)
    strong = [
        (place, figures(records[row.strong], table[row.strong].metric, table[row.strong].measure))
        for place, row in enumerate(rows)
        if row.strong and records[row.strong] and table[row.strong].measure.unit == row.measure.unit == "%"
    ]
    handles += left.plot(
        [mean(values) for _, values in strong],
        [place for place, _ in strong],
        **{"linestyle": "", "marker": "*", "markersize": 9, "color": "tab:olive", "zorder": 0},
        label="our recipe, mean",
    )

    for place, row in enumerate(rows):
        if not records[row.id]:
            right.text(0, place, "not yet run", **SMALL, ha="center", va="center", backgroundcolor="white")
    place = 0
    for title, group in groups:
        for axes in (left, right):
            axes.axhline(place - 0.5, color="gray", linewidth=0.8)
        left.text(0.5, place - 0.42, title, **SMALL, va="top")
        place += len(group)
    left.set_yticks(range(len(rows)), [row.id for row in rows], family="monospace", fontsize=9)
    left.set(xlabel="percent", ylim=(len(rows) - 0.4, -0.6), xlim=(0, 101.5))
    right.axvline(0, color="black", linewidth=0.8)
    right.set_xscale("symlog", linthresh=LINEAR)
    right.set_xticks(TICKS, minor=False)
    right.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+g}" if x else "0"))
    right.set(xlabel="ours minus published (percentage points)", xlim=(-100, 100))
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=9, frameon=False)
    return figure


def _zero(row: Published) -> float:
    return 0.0


def _number(row: Published) -> float:
    return row.number


def _published(axes: Axes, rows: Placed, origin: Origin, errors: int) -> object:
    """Draws published numbers as they lie from an origin, with so many standard errors on each side."""
    return axes.errorbar(
        [row.number - origin(row) for _, row in rows],
        [place for place, _ in rows],
        xerr=[errors * (row.standard_error or 0) for _, row in rows],
        **{"fmt": "D", "markersize": 6, "color": "black", "markerfacecolor": "white", "capsize": 2, "zorder": 1},
        label="published: one standard error on the left, two on the right",
    )


def _ours(axes: Axes, rows: Placed, records: Records, origin: Origin) -> list[object]:
    """Draws the mean of our runs of each row, and the lowest and the highest, as they lie from an origin."""
    handles = []
    for words, (colour, marker) in OURS.items():
        found = [(place, row) for place, row in rows if verdict(row, records[row.id]) == words]
        if not found:
            continue
        ours = [[x - origin(row) for x in figures(records[row.id], row.metric, row.measure)] for _, row in found]
        handles.append(
            axes.errorbar(
                [mean(values) for values in ours],
                [place for place, _ in found],
                xerr=[[mean(v) - min(v) for v in ours], [max(v) - mean(v) for v in ours]],
                **{"fmt": marker, "markersize": 5, "color": colour, "capsize": 2, "zorder": 2},
                label=f"ours, mean and range: {words}",
            )
        )
    return handles


def _has_number(row: Published, records: Records) -> bool:
    return row.measure.unit == "%" and (row.number is not None or bool(records[row.id]))
