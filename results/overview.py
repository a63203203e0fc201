"""How many rows of the table were reproduced, surpassed or missed: what RESULTS.md opens with."""

from collections import Counter
from statistics import mean

from core.measures import merit
from core.terminal.printable import counted
from results.figures import figures
from results.markdown import link_to
from results.records import Record, Records
from results.rows import Published
from results.table import Table

COMPARED = ("reproduced", "better", "short")
VERDICTS = (*COMPARED, "no number to compare", "not yet run")
NEAR = 0.01  # of a published number without a standard error, within which ours repeats it
EXPLAINED = f"""\
A row is **reproduced** if the mean of our runs is within two standard errors of the published number, or within
{100 * NEAR:.0f} % of a number whose standard error is not known. Outside of that it is **better** or **short**. A row
has no number to compare if the source states none, a range, an approximate figure, words or pictures alone, or if ours
is of other data. Rows that share a published number or runs are counted separately."""


def margin(row: Published, records: list[Record]) -> float | None:
    """Returns by how much our mean is better than the published number; None without runs, or a number to compare."""
    ours = figures(records, row.metric, row.measure)
    if not ours or row.number is None:
        return None
    return merit(mean(ours) - row.number, row.measure.better)


def verdict(row: Published, records: list[Record]) -> str:
    """Returns which of `VERDICTS` a row has."""
    if not records:
        return "not yet run"
    points = margin(row, records)
    if points is None:
        return "no number to compare"
    near = NEAR * abs(row.number) if row.standard_error is None else 2 * row.standard_error
    if abs(points) <= near:
        return "reproduced"
    return "better" if points > 0 else "short"


def overview(table: Table, records: Records) -> list[list[str]]:
    """Returns the lines of the table: its head, the sections, and all of them together."""
    lines = [["", "rows", *VERDICTS]]
    total: Counter[str] = Counter()
    for section in table.sections:
        found = Counter(verdict(row, records[row.id]) for row in section.rows)
        lines.append(_line(link_to(section.title), found))
        total += found
    return [*lines, _line("**all**", total)]


def what_verdicts_rest_on(table: Table, records: Records) -> str:
    """Returns in a sentence how many runs the verdicts rest on."""
    rows = [row for section in table.sections for row in section.rows]
    runs = Counter(len(records[row.id]) for row in rows if verdict(row, records[row.id]) in COMPARED)
    if not runs:
        return "No row has a verdict yet."
    most, *fewer = sorted(runs, reverse=True)
    rest = "rests" if runs.total() == 1 else "rest"
    others = "".join(f", {runs[n]} on {counted(n, 'run')}" for n in fewer)
    return f"Of {counted(runs.total(), 'verdict')} {runs[most]} {rest} on {counted(most, 'run')}{others}."


def short_rows(table: Table, records: Records) -> list[str]:
    """Returns a line for each row that is short: by how much, and why."""
    return [
        f"- `{row.id}`, {distance(row, records[row.id])}: {row.short_because or 'not known'}."
        for section in table.sections
        for row in section.rows
        if verdict(row, records[row.id]) == "short"
    ]


def distance(row: Published, records: list[Record]) -> str:
    """Returns a verdict in words, and by how much ours is better or short; shares in percentage points."""
    found = verdict(row, records)
    if found not in ("better", "short"):
        return found
    return f"{found} by {abs(margin(row, records)):.{1 if row.measure.unit == '%' else row.measure.digits}f}"


def recipes_run(table: Table, records: Records) -> str:
    """Returns in a sentence how many of our own recipes were run."""
    ran = sum(bool(records[recipe.id]) for recipe in table.recipes)
    configs = len({recipe.config for recipe in table.recipes})
    return f"Rows of our own recipes: {len(table.recipes)}, of {counted(configs, 'config')}; {ran} were run."


def _line(title: str, found: Counter[str]) -> list[str]:
    return [title, str(found.total()), *(str(found[name] or "-") for name in VERDICTS)]
