"""`summary.json`, the record of a run: its blocks, files of earlier releases, and numbers that JSON does not have.

`last` has the figures of the last finished epoch, and `best` those of the epoch saved in `best.ckpt`; `tests` and
`validations` list what was measured afterwards, each with the checkpoint that it was measured on. `next_command` has
the words of the command that tests the run, or uses it where there is no test part.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.files.atomic_files import write_atomically
from core.files.plain_json import load_json
from core.metric_rows import PLACES, is_rate
from core.run_layout import CHECKPOINTS, CONFIG

SUMMARY = "summary.json"
RECORD_FILES = (CONFIG, "metrics.csv", SUMMARY)  # of a run: what it is, and what came of it
ENDED_WELL = ("finished", "stopped_early")
NUMBER = (int, float, type(None))
LARGEST = 2**63 - 1  # whole number; larger ones are none of a run's, and too large for arithmetic

# Types of what is read again of a summary; whatever else it holds is only written.
TYPES: dict[str, tuple[type, ...]] = {
    "status": (str,),
    "epochs": (int, type(None)),
    "steps": (int, type(None)),
    "seconds": (dict,),
    "samples_per_second": NUMBER,
    "metrics": (dict,),
    "last": (dict, type(None)),
    "best": (dict, type(None)),
    "tests": (list,),
    "validations": (list,),
    "data": (dict,),
    "versions": (dict,),
    "next_command": (list,),
}


def strict_json(content: Any) -> str:
    """Returns content as JSON; NaN and infinities, which JSON does not have, become null."""
    return json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_summary(path: Path) -> dict[str, Any]:
    """Reads a summary, also one of an earlier release.

    Args:
        path: The file.

    Returns:
        Its content in today's form.

    Raises:
        ValueError: It is no summary.
    """
    text = path.read_text(encoding="utf-8")
    if damage := damage_of_summary(text):
        raise ValueError(damage)
    return upgraded(load_json(text))


def damage_of_summary(text: str) -> str:
    """Returns what is wrong with a summary, in words; nothing if it can be read."""
    try:
        summary = load_json(text)
    except ValueError:
        return "no JSON, or a part of it"
    if not isinstance(summary, dict):
        return f"it holds no mapping but {text.strip()[:20]}"
    if any(isinstance(value, int) and abs(value) > LARGEST for value in _values(summary)):
        return f"it holds a whole number larger than {LARGEST:,}"
    for key, types in TYPES.items():
        if key in summary and not isinstance(summary[key], types):
            return f"{key} is {summary[key]!r:.20}"
    numbers: list[tuple[str, Any]] = [("seconds", summary.get("seconds", {})), ("metrics", summary.get("metrics", {}))]
    for key in ("last", "best", "tests", "validations"):
        blocks = summary.get(key) or []
        for block in blocks if isinstance(blocks, list) else [blocks]:
            if not isinstance(block, dict) or not isinstance(block.get("metrics"), dict):
                return f"{key} holds no metrics"
            numbers.append((key, block["metrics"]))
    for key, block in numbers:
        for name, value in block.items():
            if not isinstance(value, NUMBER) or isinstance(value, bool):
                return f"{key}: {name} is {value!r:.20}"
            if key == "seconds" and value is not None and not math.isfinite(value):
                return f"{key}: {name} is {value}"
    return ""


def _values(content: Any) -> Iterator[Any]:
    """Yields what stands within mappings and lists, however deeply."""
    parts = [content]
    while parts:
        part = parts.pop()
        if isinstance(part, dict | list):
            parts += part.values() if isinstance(part, dict) else part
        else:
            yield part


def summary_of(run: Path) -> dict[str, Any]:
    """Returns the summary in a run's folder; nothing where it is missing or damaged."""
    try:
        return read_summary(run / SUMMARY)
    except (OSError, ValueError):
        return {}


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Writes a summary.

    Raises:
        RunFailed: It cannot be written; the previous file is unchanged.
    """
    write_atomically(path, strict_json(summary))


def upgraded(summary: dict[str, Any]) -> dict[str, Any]:
    """Returns a summary in today's form; an earlier release had one block for all figures.

    That block had training and validation of the last epoch beside a test of another checkpoint, whose epoch it did
    not tell. Without validation the best checkpoint is the last.
    """
    if "metrics" not in summary:
        return summary
    metrics = summary["metrics"]
    tested = {name: value for name, value in metrics.items() if name.startswith("test")}
    last = {
        "epoch": summary["epochs"] - 1 if summary.get("epochs") else None,
        "step": summary.get("steps") if summary.get("status") in ENDED_WELL else None,
        "metrics": {name: value for name, value in metrics.items() if name not in tested},
    }
    validated = any(name.startswith("val") for name in last["metrics"])
    best = None if validated or last["epoch"] is None else last | {"metrics": {}}
    measured = {"checkpoint": None, "epoch": best and best["epoch"], "step": best and best["step"]}
    blocks = {
        "last": last,
        "best": best,
        "tests": [measured | {"metrics": tested}] if tested else [],
        "validations": [],
    }
    parts = [blocks if key == "metrics" else {key: value} for key, value in summary.items()]
    return {key: value for part in parts for key, value in part.items()}


def last_block(rows: list[dict[str, str]], known: dict[str, Any] | None) -> dict[str, Any] | None:
    """Returns the block of the last epoch that a run has done when it goes on; a kill may have come after others.

    Args:
        rows: The rows of metrics.csv up to there.
        known: The block that the summary has.
    """
    if not rows:
        return None
    epoch, step = int(rows[-1]["epoch"]), int(rows[-1]["step"])
    if known is not None and known.get("epoch") == epoch:
        return known | {"step": step}
    measured = {name: text for name, text in rows[-1].items() if text and name not in PLACES and not is_rate(name)}
    return {"epoch": epoch, "step": step, "metrics": {name: float(text) for name, text in measured.items()}}


def add_measured(measured: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Adds what was measured of a checkpoint to what was measured before.

    Args:
        measured: The earlier entries.
        entry: Checkpoint, epoch, step, metrics and what the data was. Its metrics replace and complete those of the
            same checkpoint at the same step on the same data.

    Returns:
        The entries, the new one last.
    """

    def same(other: dict[str, Any]) -> bool:
        is_data = other.get("data", entry.get("data")) == entry.get("data")  # an earlier release did not keep it
        return is_data and all(other.get(key) == entry[key] for key in ("checkpoint", "epoch", "step"))

    before = {name: value for other in measured if same(other) for name, value in other["metrics"].items()}
    return [*(other for other in measured if not same(other)), entry | {"metrics": before | entry["metrics"]}]


def checkpoint_name(checkpoint: Path, run: Path) -> str:
    """Returns the name of a checkpoint in a run's folder, or the whole path of another."""
    folder = (run / CHECKPOINTS).resolve()
    return checkpoint.name if checkpoint.resolve().parent == folder else str(checkpoint)


def counted_test(summary: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the entry of the latest test of the best checkpoint; of the latest test where that is not known.

    A checkpoint that is recorded by its path lay outside the run's folder, and its tests do not count.
    """
    own = [test for test in summary.get("tests", []) if not _has_folder(test.get("checkpoint"))]
    tests, best = of_own_data(own), summary.get("best")
    of_best = [test for test in tests if best is not None and test.get("step") == best.get("step")]
    return (of_best or tests or [None])[-1]


def _has_folder(checkpoint: Any) -> bool:
    """Returns whether the name of a checkpoint is a path, as `checkpoint_name` gives it to those of no run of ours."""
    return isinstance(checkpoint, str) and Path(checkpoint).name != checkpoint


def of_own_data(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the entries on data that had not changed since training; all of them if it has in each."""
    return [
        one for one in measured if not (isinstance(one.get("data"), dict) and one["data"].get("changed"))
    ] or measured


def figures(summary: dict[str, Any], of_last: bool = False) -> dict[str, float]:
    """Returns the figures that a run is compared by.

    Args:
        summary: The summary.
        of_last: Take validation of the last epoch, and not of the best checkpoint.

    Returns:
        Values by logged name: training of the last epoch, validation and test of the best checkpoint. Where nothing is
        known of the best checkpoint's validation, that of the last epoch takes its place.
    """
    best = None if of_last else summary.get("best")
    blocks = (summary.get("last"), best, counted_test(summary))
    return {name: value for block in blocks if block for name, value in block["metrics"].items()}


def finite_figures(summary: dict[str, Any]) -> dict[str, float]:
    """Returns those of the figures that a run is compared by that are finite: others have no rank and no mean."""
    return {name: value for name, value in figures(summary).items() if value is not None and math.isfinite(value)}
