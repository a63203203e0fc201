"""Learning curves: every measure and the learning rate by epoch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from callbacks.media.titles import plain
from core.measures import Measure
from core.metric_rows import PLACES, is_rate, times_in_epochs

WIDTH, HEIGHT = 4.0, 3.6  # inches of a panel
COLUMNS = 4  # panels in a row, at most
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink", "tab:gray")
PART = re.compile(r"^(?:train|val|valid|validation)[/_]")  # how a logged name says whether it is of training


@dataclass(frozen=True)
class Panel:
    """One plot of the figure.

    Attributes:
        title: Its title.
        columns: Columns of metrics.csv that it shows.
        scale: Factor on the values.
        legend: Whether the lines are named.
    """

    title: str
    columns: Sequence[str]
    scale: int = 1
    legend: bool = True


def draw_curves(rows: list[dict[str, str]], measures: Mapping[str, Measure]) -> Figure | None:
    """Draws what was logged by epoch.

    Args:
        rows: The rows of metrics.csv.
        measures: The model's measures by name; a panel for each that was measured. Further columns have panels by their
            names, training and validation together.

    Returns:
        The figure; None if nothing was logged.
    """
    panels = _panels(rows, measures)
    if not panels:
        return None
    columns = min(len(panels), COLUMNS)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * lines), dpi=120, layout="constrained")
    grid = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, panel, rows)
    for axes in grid[len(panels) :]:
        axes.axis("off")
    return figure


def _panels(rows: list[dict[str, str]], measures: Mapping[str, Measure]) -> list[Panel]:
    names = dict.fromkeys(name for row in rows for name in row)
    panels = [
        Panel(measure.title, [f"train/{name}", f"val/{name}"], measure.scale) for name, measure in measures.items()
    ]
    measured = {name for row in rows for name, text in row.items() if text}
    panels = [panel for panel in panels if measured & {*panel.columns}]  # some are measured in the test alone
    shown = {column for panel in panels for column in panel.columns}
    rates = [name for name in names if is_rate(name)]
    others: dict[str, list[str]] = {}
    for name in names:
        if name not in (*PLACES, *rates, *shown):
            others.setdefault(PART.sub("", name), []).append(name)
    panels += [Panel(title, sorted(group)) for title, group in others.items()]
    if rates:
        panels.append(Panel("learning rate at the epoch's end", rates, legend=len(rates) > 1))
    return panels


def _draw(axes: Axes, panel: Panel, rows: list[dict[str, str]]) -> None:
    times = times_in_epochs([(int(row["epoch"]), int(row["step"])) for row in rows])
    for number, column in enumerate(panel.columns):
        points = [
            (time, float(row[column]) * panel.scale) for time, row in zip(times, rows, strict=True) if row.get(column)
        ]
        if points:
            axes.plot(*zip(*points, strict=True), ".-", color=COLOURS[number % len(COLOURS)], label=plain(column))
    axes.set(title=plain(panel.title), xlabel="epochs trained")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)
    if panel.legend and axes.lines:
        axes.legend()
