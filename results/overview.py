"""How many rows of the table were reproduced, surpassed or missed: what RESULTS.md opens with."""

from collections import Counter
from statistics import mean

from core.measures import merit
from results.figures import figures
from results.markdown import link_to
from results.records import Record, Records
from results.table import Published, Table

VERDICTS = ("reproduced", "better", "short", "no number to compare", "not yet run")
NEAR = 0.01  # of a published number without a standard error, within which ours repeats it
EXPLAINED = f"""\
**Reproduced** is the mean of our runs within two standard errors of the published number, or within {100 * NEAR:.0f} %
of a number that has none; **better** and **short** lie beyond, and the footnotes say why, as far as it is known.
There is no number to compare where the source has none, or a range, an approximate figure, words or pictures alone, and
where ours is of other data. Rows that share a published number, or runs, are counted each."""


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


def what_is_compared(table: Table, records: Records) -> str:
    """Returns in a few sentences which rows are short, and how many verdicts rest on little."""
    rows = [(row, verdict(row, records[row.id])) for section in table.sections for row in section.rows]
    short = [f"`{row.id}`" for row, found in rows if found == "short"]
    compared = [row for row, found in rows if found in ("reproduced", "better", "short")]
    single = sum(len(records[row.id]) == 1 for row in compared)
    names = f"Short are {', '.join(short)}. " if short else ""
    if compared and not single:
        return f"{names}Each of the {len(compared)} verdicts rests on two runs or more."
    return f"{names}Of the {len(compared)} verdicts {single} rest{'s' * (single == 1)} on one run."


def recipes_run(table: Table, records: Records) -> str:
    """Returns in a sentence how many of our own recipes were run."""
    ran = sum(bool(records[recipe.id]) for recipe in table.recipes)
    return f"Of {len(table.recipes)} recipes of our own {ran} were run."


def _line(title: str, found: Counter[str]) -> list[str]:
    return [title, str(found.total()), *(str(found[name] or "-") for name in VERDICTS)]
