"""The page RESULTS.md, written from the table and the records alone."""

from core.measures import Measure
from results.figures import of_last, show, times
from results.markdown import as_table, footnotes, wrapped
from results.overview import EXPLAINED, overview, recipes_run, shortfall
from results.records import Record, Records
from results.studies import StudyRecord
from results.study_tables import study_tables
from results.table import Elsewhere, Published, Recipe, Section, Table

RECIPES = """\
Each was chosen on validation data, before its test set was read; notes name the exceptions. Validation and test are of
one checkpoint, the best by validation; † marks validation of the last epoch, in records that do not hold the best
one's. Runs of one thread or on a GPU shared it with others: their seconds are upper limits."""
RECIPE_COLUMNS = ["recipe", "network", "parameters", "validation", "test, all", "n", "seconds", "known elsewhere"]


def render(table: Table, records: Records, studies: dict[str, StudyRecord] | None = None) -> str:
    """Returns the page.

    Args:
        table: The table.
        records: The records of its rows.
        studies: The records of studies, by name.
    """
    recipes = {recipe.id: recipe for recipe in table.recipes}
    hardware = sorted({record.hardware for recipe in table.recipes for record in records[recipe.id]})
    letters = {name: chr(ord("A") + place) for place, name in enumerate(hardware)}
    introduction = table.introduction.format(sources=_sources(table, records)).strip()
    first, *others = introduction.split("\n\n")
    columns, *lines = overview(table, records)
    parts = [
        "# Results\n",
        wrapped(first),
        as_table(columns, lines),
        wrapped(f"{EXPLAINED} {recipes_run(table, records)}"),
    ]
    parts += [wrapped(paragraph) for paragraph in others]
    parts += [_section(section, recipes, records, letters) for section in table.sections]
    parts.append(_recipes(table.recipes, records, letters))
    if table.findings:
        parts.append(study_tables(studies or {}, table.findings))
    return "\n".join(parts)


def _sources(table: Table, records: Records) -> str:
    """Returns where the data came from of those runs that were measured on a part of the test set as well."""
    runs = [
        record
        for row in table
        for record in records[row.id]
        for metric in row.measure.columns.values()
        if metric in record.metrics and metric.startswith("test/") and metric != row.measure.counts
    ]
    return f"The runs below read {' or '.join(sorted({record.source for record in runs}))}." if runs else ""


def _section(section: Section, recipes: dict[str, Recipe], records: Records, letters: dict[str, str]) -> str:
    notes: list[str] = []
    needed = {row.metric for row in section.rows} | {row.measure.counts for row in section.rows}
    metrics = {
        heading: metric for row in section.rows for heading, metric in row.measure.columns.items() if metric in needed
    }
    columns = ["id", "network", "parameters", "published"]
    columns += [f"to the letter, {heading}" for heading in metrics] + ["n", "strong", "known elsewhere"]
    rows = []
    for row in section.rows:
        runs = records[row.id]
        ours = [show(runs, metric, row.measure) for metric in metrics.values()]
        best = row.elsewhere or (recipes[row.strong].elsewhere if row.strong else None)
        cells = [_name(row, row.id, notes), row.network, _parameters(runs, row.parameters), _published(row)]
        cells += [*(ours if runs else ["not yet run", *ours[1:]]), _count(row, runs)]
        rows.append([*cells, _strong(recipes.get(row.strong), records, letters), _elsewhere(best)])
    parts = [f"## {section.title}\n", wrapped(section.text), as_table(columns, rows)]
    short = [(row, difference) for row in section.rows if (difference := shortfall(row, records[row.id])) is not None]
    if short:
        listed = ", ".join(f"`{row.id}` ({_by(difference, row.measure)})" for row, difference in short)
        parts.append(wrapped(f"Short of the published number: {listed}."))
    return "\n".join([*parts, footnotes(notes)])


def _by(difference: float, measure: Measure) -> str:
    """Returns the difference of two figures; of shares in percentage points."""
    return f"{difference:.1f} points" if measure.unit == "%" else f"{difference:.{measure.digits}f} {measure.unit}"


def _recipes(recipes: list[Recipe], records: Records, letters: dict[str, str]) -> str:
    notes: list[str] = []
    rows = []
    for recipe in recipes:
        runs = records[recipe.id]
        validation, test = (_figure(recipe, runs, part) for part in ("val", "test"))
        cells = [_name(recipe, recipe.config, notes), recipe.network, _parameters(runs, None), validation]
        cells += [test if runs else "not yet run", _count(recipe, runs), times(runs, letters)]
        rows.append([*cells, _elsewhere(recipe.elsewhere, in_words=True)])
    parts = ["## Strong recipes\n", wrapped(RECIPES), as_table(RECIPE_COLUMNS, rows)]
    if letters:
        parts.append(wrapped("Hardware: " + "; ".join(f"{letter} is {name}" for name, letter in letters.items()) + "."))
    return "\n".join([*parts, footnotes(notes)]).rstrip() + "\n"


def _figure(recipe: Recipe, records: list[Record], part: str) -> str:
    """Returns a recipe's figure of `val` or `test`, with its unit unless that is percent, as of most figures."""
    metric = f"{part}/{recipe.measure.name}"
    found = show(records, metric, recipe.measure)
    if found == "-":
        return found
    unit = "" if recipe.measure.unit == "%" else f" {recipe.measure.unit}"
    return f"{found}{unit}{' †' if of_last(records, metric) else ''}"


def _name(row: Recipe, name: str, notes: list[str]) -> str:
    """Returns a row's first cell, and adds the remarks on the row to the notes."""
    sentences = []
    same_as = row.same_as if isinstance(row, Published) else None
    if isinstance(row, Published):
        sentences.append(row.remark)
        if same_as:
            sentences.append(f"The protocol is that of `{same_as}`, whose runs are shown.")
    if row.options and not same_as:
        sentences.append(f"Our runs are of `{row.config}` with `{' '.join(row.flags)}`.")
    if row.weights_from:
        sentences.append(f"Our runs start from the weights of `{row.weights_from}`.")
    if row.judge:
        sentences.append(f"A run of `{row.judge}` judges what ours generate.")
    sentences.append(row.note)
    note = " ".join(sentence.strip() for sentence in sentences if sentence)
    if not note:
        return f"`{name}`"
    notes.append(note)
    return f"`{name}`<sup>{len(notes)}</sup>"


def _parameters(records: list[Record], stated: int | None) -> str:
    number = records[0].parameters if records else stated
    return "-" if number is None else f"{number:,}"


def _published(row: Published) -> str:
    if row.published is None:
        return "not stated"
    error = f" ± {row.standard_error}" if row.standard_error is not None else ""
    return f"{row.published}{error}<br>({row.measured_on}{'; log' if row.log else ''})"


def _count(row: Recipe, records: list[Record]) -> str:
    if not records:
        return "-"
    return str(len(records)) if len(records) == len(row.seeds) else f"{len(records)} of {len(row.seeds)}"


def _strong(recipe: Recipe | None, records: Records, letters: dict[str, str]) -> str:
    if recipe is None:
        return "-"
    runs = records[recipe.id]
    if not runs:
        return f"`{recipe.config}`<br>not yet run"
    ours = show(runs, recipe.metric, recipe.measure)
    return f"`{recipe.config}`<br>{ours}<br>(n {len(runs)}; {times(runs, letters)})"


def _elsewhere(best: Elsewhere | None, in_words: bool = False) -> str:
    if best is None:
        return "-"
    return f"{best.figure}: [{best.what}]({best.url})" if in_words else f"[{best.figure}]({best.url})"
