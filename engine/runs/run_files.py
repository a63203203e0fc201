"""The files of a run that is taken up: what is damaged is found before anything reads it, and set aside.

Only a checkpoint is needed to go on. A damaged record is kept under another name, so that somebody can look at it.
"""

import re
from pathlib import Path

from core.files.atomic_files import remove_abandoned, write_atomically
from core.files.files_in_use import rename
from core.metric_rows import intact_lines, intact_rows
from core.run_layout import CHECKPOINTS
from core.summary import damage_of_summary
from core.terminal.console import print_line
from engine.runs.run_folder import WANDB_ID

FOLDERS = (".", CHECKPOINTS)  # in which files are replaced while a run writes


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
        ("summary.json", damage_of_summary, "a new one begins"),
        ("metrics.csv", _damage_of_rows, "a new one begins"),
        (WANDB_ID, _damage_of_id, "tracking begins anew"),
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


def take_up_and_tell(run: Path, alone: bool) -> None:
    """Does the same, and prints the lines."""
    for line in take_up(run, alone):
        print_line(line)


def _set_aside(path: Path) -> Path:
    """Gives a file a name that nothing reads; returns it."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.stem}.damaged{'' if number == 1 else f'-{number}'}{path.suffix}")
        if not aside.exists():
            break
    rename(path, aside)
    return aside


def _damage_of_rows(text: str) -> str:
    kept = intact_lines(text)
    if not kept:
        return "its first line is no header with epoch and step"
    return "" if "".join(kept) == text else "rows are cut or no numbers"


def _damage_of_id(text: str) -> str:
    return "" if re.fullmatch(r"[\w-]{1,128}(\n[^\n/\\#?%:]{1,128}(\n[^\n]+(\n[^\n/]+)?)?)?", text.strip()) else "no id"
