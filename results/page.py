"""The page RESULTS.md, written from the table and the records alone."""

from results.figures import of_last, show, times
from results.markdown import as_table, footnotes, wrapped
from results.overview import EXPLAINED, distance, overview, recipes_run, short_rows, what_verdicts_rest_on
from results.records import Record, Records
from results.rows import Elsewhere, Published, Recipe
from results.studies import StudyRecord
from results.study_tables import study_tables
from results.table import Section, Table

RECIPES = """\
Our trainings of these kinds of network and of others. Each was chosen on validation data, before its test set was read;
notes name the exceptions. Validation and test are of one checkpoint, the best by validation; †: validation of the last
epoch, because the record lacks that of the best. Validation is of one view of each image, also where the test is of
six. A name in parentheses is that of the row's folder in `results/`. Seconds are of the whole run, the mean of the
runs on the same hardware. Most runs shared their machine with others, so seconds are upper limits."""
REPEATED = 3  # rows from which on a column that repeats itself is a sentence
BETTER = {"max": "more", "min": "less"}


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
        wrapped(f"{EXPLAINED} {what_verdicts_rest_on(table, records)} {recipes_run(table, records)}"),
    ]
    if lines_of_short := short_rows(table, records):
        parts += ["Short are:\n", "".join(wrapped(line, "  ") for line in lines_of_short)]
    parts += [wrapped(paragraph, "  " if paragraph.startswith("- ") else "") for paragraph in others]
    parts += [_section(section, recipes, records) for section in table.sections]
    parts += ["## Our recipes\n", wrapped(RECIPES)]
    if letters:
        parts.append(wrapped("Hardware: " + "; ".join(f"{letter} is {name}" for name, letter in letters.items()) + "."))
    parts += [_recipes(group, records, letters) for group in table.groups]
    if table.findings:
        parts.append(study_tables(studies or {}, table.findings))
    return "\n".join(parts).rstrip() + "\n"


def _sources(table: Table, records: Records) -> str:
    """Returns where the data came from of those runs that are compared by a part of the test set."""
    rows = [row for row in table if row.metric.startswith("test/") and row.metric != row.measure.counts]
    runs = [record for row in rows for record in records[row.id]]
    return f"The runs below read {' or '.join(sorted({record.source for record in runs}))}." if runs else ""


def _section(section: Section, recipes: dict[str, Recipe], records: Records) -> str:
    notes: list[str] = []
    needed = {row.metric for row in section.rows} | {row.measure.counts for row in section.rows}
    metrics = {
        heading: metric for row in section.rows for heading, metric in row.measure.columns.items() if metric in needed
    }
    several = len({row.strong for row in section.rows if row.strong}) > 1
    columns = ["id", "network", "parameters", "steps", "published", "measured on"]
    columns += [*(f"ours, {heading}" for heading in metrics), "n", "verdict", *(["our recipe"] if several else [])]
    rows = []
    for row in section.rows:
        runs = records[row.id]
        known = row.measure.columns.values()
        ours = [show(runs, metric, row.measure) if metric in known else "-" for metric in metrics.values()]
        compared = distance(row, runs)
        cells = [_name(row, f"`{row.id}`", notes), row.network, _parameters(runs, row.parameters)]
        cells += [f"{runs[0].steps:,}" if runs else "-", _published(row), _measured_on(row), *ours, _count(row, runs)]
        cells.append("-" if compared == "no number to compare" else compared)
        rows.append([*cells, *([_recipe(recipes.get(row.strong), records)] if several else [])])
    columns, rows, shared = _without_shared(columns, rows)
    parts = [f"## {section.title}\n", wrapped(section.text), wrapped(shared) if shared else "", as_table(columns, rows)]
    if not several and (recipe := _only_recipe(section, recipes, records)):
        parts.append(wrapped(recipe))
    return "\n".join([*(part for part in parts if part), *_footnotes(notes)])


def _without_shared(columns: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]], str]:
    """Leaves out the columns in which several rows have the same, and says in a sentence what that is."""
    if len(rows) < REPEATED:
        return columns, rows, ""
    shared = {place: rows[0][place] for place in range(len(columns)) if len({row[place] for row in rows}) == 1}
    kept = [place for place in range(len(columns)) if place not in shared]
    told = "; ".join(f"{columns[place]}: {cell}" for place, cell in shared.items() if cell != "-")
    lines = [[row[place] for place in kept] for row in rows]
    return [columns[place] for place in kept], lines, f"The same in all rows: {told}." if told else ""


def _only_recipe(section: Section, recipes: dict[str, Recipe], records: Records) -> str:
    """Returns a sentence on the recipe that all rows of a section share, where they have one."""
    rows = [row for row in section.rows if row.strong]
    if not rows:
        return ""
    of = "" if rows == section.rows else f" of {' and '.join(f'`{row.id}`' for row in rows)}"
    recipe = recipes[rows[0].strong]
    runs = records[recipe.id]
    if not runs:
        return f"Our recipe for the kind of network{of}, `{recipe.config}`, is not yet run."
    words = recipe.measure.shown[recipe.metric].format(samples=recipe.samples)
    figure = show(runs, recipe.metric, recipe.measure)
    return f"Our recipe for the kind of network{of}: `{recipe.config}`, {figure} {words} (n {len(runs)})."


def _recipes(group: Section, records: Records, letters: dict[str, str]) -> str:
    notes: list[str] = []
    measures = list(dict.fromkeys(_measure(recipe) for recipe in group.rows))
    columns = ["recipe", "network", "parameters", "validation", "test", *(["measure"] if len(measures) > 1 else [])]
    columns += ["n", "seconds", "known elsewhere"]
    rows = []
    for recipe in group.rows:
        runs = records[recipe.id]
        validation, test = (_figure(recipe, runs, part) for part in ("val/", "test/"))
        others = "" if recipe.id == recipe.config.removesuffix(".yaml") else f"<br>(`{recipe.id}`)"
        name = f"`{recipe.config}`{others}"
        cells = [_name(recipe, name, notes), recipe.network, _parameters(runs, None), validation]
        cells += [test if runs else "not yet run", *([_measure(recipe)] if len(measures) > 1 else [])]
        rows.append([*cells, _count(recipe, runs), times(runs, letters), _elsewhere(recipe.elsewhere)])
    columns, rows = _without_empty(columns, rows)
    parts = [f"### {group.title}\n", as_table(columns, rows)]
    if len(measures) == 1:
        parts.insert(1, wrapped(f"Measured: {measures[0]}."))
    return "\n".join([*parts, *_footnotes(notes)])


def _footnotes(notes: list[str]) -> list[str]:
    return [footnotes(notes)] if notes else []


def _without_empty(columns: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Leaves out the columns in which no row has anything."""
    kept = [place for place in range(len(columns)) if any(row[place] != "-" for row in rows)]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _measure(recipe: Recipe) -> str:
    """Returns in words what a recipe's runs are compared by."""
    return f"{recipe.measure.title}, {BETTER[recipe.measure.better]} is better"


def _figure(recipe: Recipe, records: list[Record], part: str) -> str:
    """Returns a recipe's figure of `val/` or `test/`: the one that counts, else the first that is shown."""
    names = [recipe.metric, *recipe.measure.shown]
    metric = next((name for name in names if name.startswith(part)), None)
    if metric is None:
        return "-"
    return show(records, metric, recipe.measure) + (" †" if of_last(records, metric) else "")


def _name(row: Recipe, name: str, notes: list[str]) -> str:
    """Returns a row's first cell, and adds the remarks on the row to the notes, unless they are there."""
    sentences = []
    same_as = row.same_as if isinstance(row, Published) else None
    if isinstance(row, Published):
        sentences.append(row.remark)
        if same_as:
            sentences.append(f"The protocol is that of `{same_as}`, whose runs are shown.")
    if row.options and not same_as:
        sentences.append(f"Our runs are of `{row.config}` with `{row.typed}`.")
    elif isinstance(row, Published) and not same_as and row.config != f"published/{row.id}.yaml":
        sentences.append(f"Our runs are of `{row.config}` as it is.")
    if row.weights_from:
        sentences.append(f"Ours start from the weights of `{row.weights_from}` of the same seed (`--weights RUN`).")
    if row.judge:
        sentences.append(f"A run of `{row.judge}` judges what ours generate (`--model.judge RUN`).")
    sentences.append(row.note)
    note = " ".join(sentence.strip() for sentence in sentences if sentence)
    if not note:
        return name
    if note not in notes:
        notes.append(note)
    return f"{name}<sup>{notes.index(note) + 1}</sup>"


def _parameters(records: list[Record], stated: int | None) -> str:
    number = records[0].parameters if records else stated
    return "-" if number is None else f"{number:,}"


def _published(row: Published) -> str:
    if row.published is None:
        return "not stated"
    error = f" ± {row.standard_error:.2f}" if row.standard_error is not None else ""
    return f"{row.published if isinstance(row.published, str) else f'{row.published:,}'}{error}"


def _measured_on(row: Published) -> str:
    return "-" if row.published is None else f"{row.measured_on}{' (log)' if row.log else ''}"


def _count(row: Recipe, records: list[Record]) -> str:
    if not records:
        return "-"
    return str(len(records)) if len(records) == len(row.seeds) else f"{len(records)} of {len(row.seeds)}"


def _recipe(recipe: Recipe | None, records: Records) -> str:
    if recipe is None:
        return "-"
    ours = show(records[recipe.id], recipe.metric, recipe.measure) if records[recipe.id] else "not yet run"
    return f"`{recipe.config}`<br>{ours}"


def _elsewhere(best: Elsewhere | None) -> str:
    return "-" if best is None else f"{best.figure}: [{best.what}]({best.url})"
