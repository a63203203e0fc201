"""The files of a run that is taken up: what is damaged is found before anything reads it, and set aside.

Only a checkpoint is needed to go on. A damaged record is kept under another name, so that somebody can look at it.
"""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from core.atomic_files import remove_abandoned, write_atomically
from engine.runs.tracking import ID_FILE

NUMBER = (int, float, type(None))

# Types of what is read again of a summary; whatever else it holds is only written.
SUMMARY: dict[str, tuple[type, ...]] = {
    "status": (str,),
    "seconds": (dict,),
    "metrics": (dict,),
    "last": (dict, type(None)),
    "best": (dict, type(None)),
    "tests": (list,),
    "validations": (list,),
    "data": (dict,),
    "versions": (dict,),
}
FOLDERS = (".", "checkpoints")  # in which files are replaced while a run writes


def take_up(run: Path, alone: bool) -> list[str]:
    """Sets aside what is damaged of a run's records, and removes what killed processes have left.

    Args:
        run: The run's folder.
        alone: Whether this process holds the run, so that no other writes into it.

    Returns:
        A line for each damaged file, with its new name and what is lost.
    """
    if alone:
        for folder in FOLDERS:
            remove_abandoned(run / folder)
    lines = []
    for name, find_damage, lost in (
        ("summary.json", _damage_of_summary, "a new one begins"),
        ("metrics.csv", _damage_of_rows, "a new one begins"),
        (ID_FILE, _damage_of_id, "tracking begins anew"),
    ):
        path = run / name
        if not path.exists() and not path.is_symlink():
            continue
        try:
            damage = find_damage(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            damage = getattr(error, "strerror", None) or "no text"
        if damage:
            kept = intact_rows(path) if name == "metrics.csv" else []
            aside = _set_aside(path)
            if len(kept) > 1:
                write_atomically(path, "".join(kept))
                lost = f"{len(kept) - 1} of its rows are kept"
            elif name == "summary.json":  # a test adds its figures to what is there
                write_atomically(path, "{}\n")
            lines.append(f"{path}: damaged ({damage}); set aside as {aside.name}, {lost}")
    return lines


def _set_aside(path: Path) -> Path:
    """Gives a file a name that nothing reads; returns it."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.stem}.damaged{'' if number == 1 else f'-{number}'}{path.suffix}")
        if not aside.exists():
            break
    return path.rename(aside)


def _damage_of_summary(text: str) -> str:
    """Returns what is wrong with a summary, in words; nothing if it can be read."""
    try:
        summary = json.loads(text)
    except (ValueError, RecursionError):
        return "no JSON, or a part of it"
    if not isinstance(summary, dict):
        return f"it holds no mapping but {text.strip()[:20]}"
    for key, types in SUMMARY.items():
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
    return ""


def _damage_of_rows(text: str) -> str:
    kept = _intact(text)
    if not kept:
        return "its first line is no header with epoch and step"
    return "" if "".join(kept) == text else "rows are cut or no numbers"


def intact_rows(path: Path) -> list[str]:
    """Returns the lines of a `metrics.csv` that can be read, the header first; none if that is damaged."""
    try:
        return _intact(path.read_bytes().decode("utf-8", errors="replace"))
    except OSError:
        return []


def _intact(text: str) -> list[str]:
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    header = _cells(lines[0]) if lines else []
    if not {"epoch", "step"} <= {*header}:
        return []
    required = [header.index(name) for name in ("epoch", "step")]

    def is_intact(line: str) -> bool:
        cells = _cells(line)
        if len(cells) != len(header) or not line.endswith("\n"):
            return False
        whole = all(re.fullmatch(r"\d+", cells[place]) for place in required)
        return whole and all(cell == "" or _is_number(cell) for cell in cells)

    return [lines[0], *(line for line in lines[1:] if is_intact(line))]


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line)), [])
    except csv.Error:
        return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _damage_of_id(text: str) -> str:
    return "" if re.fullmatch(r"[\w-]{1,128}(\n[^\s/\\#?%:]{1,128})?", text.strip()) else "no id"
