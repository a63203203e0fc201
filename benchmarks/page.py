"""The table of benchmarks/README.md, written from the scripts' docstrings and the records in benchmarks/results/."""

import ast
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
BEGIN, END = "<!-- made by python -m benchmarks -->", "<!-- end -->"
COLUMNS = ("what is measured, and its command", "median (least to largest)", "hardware; torch; data; n; date")

# The option that says how many figures a median is of, where it is not the number of turns.
COUNTED = {"gpu": "runs", "text_peers": "seeds", "time_to_accuracy": "seeds"}
# Which figures of a script are shown, by patterns over their paths; all of them if it is not here.
SHOWN = {
    "overhead": ("*/full_of_raw", "*/bare_of_raw", "*/microseconds_over_bare"),
    "long_run": ("*/full_of_raw", "*/microseconds_over_raw", "*/milliseconds_an_epoch"),
    "input_pipeline": ("*/ours_of/*", "percent_of_a_training_step"),
    "predict": ("*/ours_of_raw",),
    "memory": ("*/of_allowed", "*/megabytes/beyond_imports"),
    "training": ("*/ours_of_usual", "*/share_of_peak"),
    "ddp": ("two_processes_of_one",),
    "side_by_side": ("*/side_by_side_of_one",),
    "serving": ("milliseconds/*", "served_of_plain"),
    "shared_machine": ("*/kept_*", "*/alone_sleeping_of_spinning"),
    "gpu": (
        "speedrun/*seconds*",
        "speedrun/ours/accuracy",
        "speedrun/peer/accuracy",
        "overhead/*/full_of_raw",
        "overhead/*/microseconds_a_step/*",
        "input/*/ours_of/*",
        "precision/*/images_per_second",
        "precision/*/share_of_peak",
        "ddp/all_of_one",
    ),
    "characters": ("*/full_of_raw", "*/written_out_of_torchs", "*/full_of_float32"),
    "parts": ("*/first_of_second",),
    "style_transfer": ("speed_of_tutorial/*", "peak_of_tutorial/*", "loss_of_float32"),
    "text_peers": ("*/accuracy",),
    "word_vectors": ("*/ours_of_gensim", "score/*"),
    "translation": ("*/full_of_raw", "search/batched_of_one_by_one"),
    "time_to_accuracy": ("*/seconds_to/*", "speedrun/seconds_at_the_end", "speedrun/accuracy_at_the_end"),
}


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yields the figures of nested results, each with the path of keys that leads to it."""
    for key, value in tree.items():
        place = f"{path}/{key}" if path else key
        if isinstance(value, Mapping) and value.keys() == {"median", "min", "max"}:
            yield place, value
        elif isinstance(value, Mapping):
            yield from leaves(value, place)


def scripts(folder: Path = FOLDER) -> dict[str, tuple[str, str]]:
    """Returns what each script measures, and its command, by the script's name.

    A script is a module whose docstring holds its own command in a line by itself.
    """
    found = {}
    for path in sorted(folder.glob("*.py")):
        lines = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
        commands = [line.strip() for line in lines if line.strip().startswith(f"python -m benchmarks.{path.stem}")]
        if commands:
            found[path.stem] = (lines[0], commands[0])
    return found


def table(folder: Path = FOLDER) -> str:
    """Returns the table.

    Args:
        folder: Holds the scripts, and `results/` their records.
    """
    rows = [COLUMNS]
    for name, (what, command) in scripts(folder).items():
        record = folder / "results" / f"{name}.json"
        figures, where = "not yet run", "-"
        if record.exists():
            content = json.loads(record.read_text(encoding="utf-8"))
            figures, where = _figures(name, content["results"]), _where(name, content)
        rows.append((f"{what}<br>`{command}`", figures, where))
    return as_table(rows)


def as_table(rows: list[tuple[str, ...]]) -> str:
    """Returns a table in Markdown, of rows of which the first is its head."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], ("---",) * len(rows[0]), *rows[1:]])


def _figures(name: str, results: Mapping[str, Any]) -> str:
    patterns = SHOWN.get(name, ("*",))
    lines = [
        f"{path.replace('/', ': ').replace('_', ' ')} **{number(values['median'])}** "
        f"({number(values['min'])} to {number(values['max'])})"
        for path, values in leaves(results)
        if any(fnmatchcase(path, pattern) for pattern in patterns)
    ]
    return "<br>".join(lines)


def _where(name: str, content: Mapping[str, Any]) -> str:
    """Returns on what a record was made; of each part, where parts of several calls differ in it."""
    parts: dict[str, list[str]] = {}
    for part, found in content["results"].items():
        made = found.get("made", {}) if isinstance(found, Mapping) else {}
        parts.setdefault(_made_on(name, {**content, **made}), []).append(part)
    if len(parts) < 2:
        return next(iter(parts), _made_on(name, content))
    return "<br>".join(f"{', '.join(names)}: {where}" for where, names in parts.items())


def _made_on(name: str, content: Mapping[str, Any]) -> str:
    data = content["data"] or "-"
    count = content["options"][COUNTED.get(name, "pairs")]
    n = count if isinstance(count, int) else len(count)
    return f"{content['hardware']}; torch {content['versions']['torch']}; {data}; n {n}; {content['date']}"


def number(value: float) -> str:
    """Returns a number with three significant digits, or as a whole number above a thousand."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"


def insert(page: str, made: str, begin: str = BEGIN, end: str = END) -> str:
    """Returns a page with new text between two marks.

    Raises:
        ValueError: The marks are not there, once each and in order.
    """
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or begin in rest or end in before + after:
        raise ValueError(f"the page needs the lines '{begin}' and '{end}', once each")
    return f"{before}{begin}\n\n{made}\n{end}{after}"
