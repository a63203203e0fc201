"""The picture docs/images/results.png: one line for each row with the published number and ours."""

from itertools import accumulate
from statistics import mean

from matplotlib.figure import Figure

from results.figures import figures
from results.overview import verdict
from results.records import Records
from results.table import Published, Table

# How what our runs give compares with the published number: its colour, and its words in the legend.
OURS = {
    "reproduced": ("tab:blue", "reproduced"),
    "better": ("tab:green", "better"),
    "short": ("tab:red", "short"),
    "no number to compare": ("gray", "no number to compare"),
}


def draw(table: Table, records: Records) -> Figure:
    """Draws every published row that has a number in percent, from top to bottom in the order of the page.

    Returns:
        The figure.
    """
    groups = [[row for row in section.rows if _has_number(row, records)] for section in table.sections]
    rows = [row for group in groups for row in group]
    figure = Figure(figsize=(9, 1.4 + 0.27 * len(rows)), dpi=120, layout="constrained")
    axes = figure.subplots()

    published = [(place, row) for place, row in enumerate(rows) if row.number is not None]
    handles = [
        axes.errorbar(
            [row.number for _, row in published],
            [place for place, _ in published],
            xerr=[row.standard_error or 0 for _, row in published],
            **{"fmt": "D", "markersize": 5, "color": "black", "markerfacecolor": "white", "capsize": 2},
            label="published, ± one standard error",
        )
    ]
    for how, (colour, words) in OURS.items():
        ours = [
            (place, figures(records[row.id], row.metric, row.measure))
            for place, row in enumerate(rows)
            if verdict(row, records[row.id]) == how
        ]
        if ours:
            handles.append(
                axes.errorbar(
                    [mean(values) for _, values in ours],
                    [place for place, _ in ours],
                    xerr=[[mean(v) - min(v) for _, v in ours], [max(v) - mean(v) for _, v in ours]],
                    **{"fmt": "o", "markersize": 4.5, "color": colour, "capsize": 2},
                    label=f"to the letter here: {words}",
                )
            )
    strong = [
        (place, figures(records[row.strong], table[row.strong].metric, table[row.strong].measure))
        for place, row in enumerate(rows)
        if row.strong and records[row.strong] and table[row.strong].measure.unit == row.measure.unit == "%"
    ]
    handles += axes.plot(
        [mean(values) for _, values in strong],
        [place for place, _ in strong],
        **{"linestyle": "", "marker": "*", "markersize": 9, "color": "tab:olive"},
        label="our recipe, whole test set: mean",
    )

    for place in list(accumulate(len(group) for group in groups))[:-1]:
        axes.axhline(place - 0.5, color="gray", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row.id for row in rows], family="monospace", fontsize=8)
    axes.set(
        xlabel=" or ".join(dict.fromkeys(row.measure.title for row in rows)),
        ylim=(len(rows) - 0.4, -0.6),
        xlim=(0, 101.5),
    )
    axes.grid(alpha=0.3)
    figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


def _has_number(row: Published, records: Records) -> bool:
    return row.measure.unit == "%" and (row.number is not None or bool(records[row.id]))
