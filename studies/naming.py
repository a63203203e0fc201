"""Trials in words: on the screen, and as names of folders."""

import re
from typing import Any

from engine.runs.trial_file import Trial
from studies.points import SEED

LONGEST = 60  # characters of a folder's name


def describe(trial: Trial) -> str:
    """Returns a trial's settings in words, such as `lr=0.1 seed=1`."""
    return " ".join(f"{name}={shown(value)}" for name, value in _named(trial))


def folder_name(trial: Trial) -> str:
    """Returns the name of a trial's folder: its number, and its settings as far as they are short."""
    text = ",".join(f"{name}={_short(value)}" for name, value in _named(trial))
    text = re.sub(r"[^\w.,=+-]+", "_", text, flags=re.ASCII)[:LONGEST].rstrip("_,=")
    return f"{trial.number:04}-{text}"


def _named(trial: Trial) -> list[tuple[str, Any]]:
    """Returns the last parts of the settings' names, and their values; the seed last, and none that never differs."""
    skipped = (SEED, *trial.fixed)
    named = [(key.rpartition(".")[2], value) for key, value in trial.settings.items() if key not in skipped]
    return [*named, *([("seed", trial.settings[SEED])] if SEED in trial.settings else [])]


def shown(value: Any) -> str:
    """Returns a value in words: a class without its package, numbers with four digits."""
    if isinstance(value, dict) and "class_path" in value:
        arguments = ", ".join(f"{name}={shown(one)}" for name, one in (value.get("init_args") or {}).items())
        return str(value["class_path"]).rpartition(".")[2] + (f"({arguments})" if arguments else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        named = str(value.get("class_path", "")).rpartition(".")[2]
        return "_".join([named, *(_short(one) for one in (value.get("init_args") or {}).values())]).strip("_")
    if isinstance(value, list):
        return "x".join(map(_short, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).rpartition(".")[2] if isinstance(value, str) else str(value)
