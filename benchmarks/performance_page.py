"""The tables of docs/performance.md, written from the records in benchmarks/results/."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.page import FOLDER, as_table, insert, number

PAGE = FOLDER.parent / "docs" / "performance.md"
NETWORKS = {
    "unit": "logistic unit, batches of 20",
    "mlp": "perceptron, 2 hidden layers of 256",
    "lenet5": "LeNet-5",
    "lstm": "2 LSTM layers of 512",
    "vgg_bn": "VGG 64-256-256",
}


def render(page: str, folder: Path = FOLDER) -> str:
    """Returns the page with its tables made anew.

    Args:
        page: Its text.
        folder: Holds the records in `results/`.
    """
    for name, table in TABLES.items():
        path = folder / "results" / f"{name}.json"
        made = f"Not yet run: `python -m benchmarks.{name}`.\n"
        if path.exists():
            content = json.loads(path.read_text(encoding="utf-8"))
            made = f"{table(content['results'])}\n{_measured_on(name, content)}\n"
        page = insert(page, made, f"<!-- made by python -m benchmarks: {name} -->", f"<!-- end of {name} -->")
    return page


def steps(results: Mapping[str, Any]) -> str:
    """Returns what a step takes in a plain loop, in bare Lightning and in `fit`."""
    rows = [
        ("microseconds a step", "plain loop", "bare Lightning", "`fit`", "`fit` over bare Lightning", "logging adds")
    ]
    for name, text in NETWORKS.items():
        if name in results:
            figures = results[name]
            speeds = figures["steps_per_second"]
            taken = [f"{1e6 / speeds[contender]['median']:,.0f}" for contender in ("raw", "bare", "full")]
            logged = figures.get("microseconds_of_a_logged_point")
            rows.append(
                (text, *taken, *(_median_and_range(one) for one in (figures["microseconds_over_bare"], logged)))
            )
    return as_table(rows)


def long_run(results: Mapping[str, Any]) -> str:
    """Returns what a step and an epoch of many short ones take of the processor, and what they take in a plain loop."""
    rows = [
        (
            "microseconds a step",
            "plain loop",
            "`fit`",
            "`fit` adds",
            "speed, of the plain loop's",
            "milliseconds an epoch",
        )
    ]
    for name, figures in results.items():
        taken = [f"{figures['microseconds_a_step'][contender]['median']:,.0f}" for contender in ("raw", "full")]
        others = [figures[one] for one in ("microseconds_over_raw", "full_of_raw", "milliseconds_an_epoch")]
        rows.append((NETWORKS[name], *taken, *map(_median_and_range, others)))
    return as_table(rows)


def parts(results: Mapping[str, Any]) -> str:
    """Returns what single parts take, each in two forms."""
    rows = [("what", "one way", "", "another", "", "first of second")]
    for part in results.values():
        figures = [(name, f"{number(part[form]['median'])} {part['unit']}") for name, form in _forms(part)]
        rows.append(
            (part["what"], *(text for pair in figures for text in pair), _median_and_range(part["first_of_second"]))
        )
    return as_table(rows)


def shared_machine(results: Mapping[str, Any]) -> str:
    """Returns how much of its speed a run keeps beside a busy process, and what that costs alone."""
    rows = [("share of the speed", "kept, threads sleep", "kept, threads spin", "alone, sleeping of spinning")]
    names = ("kept_beside_a_busy_process", "kept_when_spinning", "alone_sleeping_of_spinning")
    rows += [(f"`{name}`", *(_median_and_range(figures[one]) for one in names)) for name, figures in results.items()]
    return as_table(rows)


TABLES = {"overhead": steps, "long_run": long_run, "parts": parts, "shared_machine": shared_machine}


def _forms(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(zip(part["names"], ("first", "second"), strict=True))


def _median_and_range(values: Mapping[str, float] | None) -> str:
    """Returns a median with the least and the largest, or a dash for what was not measured."""
    if values is None:
        return "-"
    return f"{number(values['median'])} ({number(values['min'])} to {number(values['max'])})"


def _measured_on(name: str, content: Mapping[str, Any]) -> str:
    """Returns how and on what a record was made."""
    turns = f"medians of {content['options']['pairs']} turns, in parentheses the least and the largest"
    where = f"{content['hardware']}, torch {content['versions']['torch']}, {content['date']}"
    return textwrap.fill(f"(`python -m benchmarks.{name}`: {turns}; {where}.)", 120, break_on_hyphens=False)
