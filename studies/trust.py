"""What is checked of a study's file and folder that can come from somebody else."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from core.errors import InputError
from engine.runs.trial_file import TRIAL_FILE, Trial
from engine.settings.import_paths import import_paths, names_in_words
from engine.settings.sending import KEPT_HERE, ONLINE
from engine.settings.trust import comes_with_run, refuse_foreign_code
from studies.points import SEED
from studies.study_file import StudyFile


def refuse_foreign_file(path: Path, file: StudyFile, trusted: bool) -> None:
    """Checks that the file of a study runs no code and sends no figures that its reader knows nothing of.

    Only a file that lies with runs is checked.

    Args:
        path: The file.
        file: What it says.
        trusted: Whether the user trusts whoever made it.

    Raises:
        InputError: It names other code, or would send figures away; or it asks for trust itself.
    """
    if "--trust" in file.words:
        raise InputError(f"{path}: command: --trust is for the one who begins the study: study {path} --trust")
    if comes_with_run(path):
        refuse_foreign_code(path, file.content | {"command": [*names_in_words(file.words)]}, trusted)
        sender = None if trusted else _sender(file)
        if sender is not None:
            raise InputError(f"{path}: {sender} would send figures away; if you trust who wrote it, add --trust")


def refuse_foreign_trials(trials: Iterable[Trial], file: StudyFile) -> None:
    """Checks that the trials in a study's folder set nothing that the study's file does not.

    Args:
        trials: The trials.
        file: The study's file.

    Raises:
        InputError: One does.
    """
    named = {name for _, name in import_paths(file.content)}
    for trial in trials:
        others = [key for key in trial.settings if key not in (*file.parameters, SEED)]
        others += [name for _, name in import_paths(trial.settings) if name not in named]
        if others:
            place = trial.folder / TRIAL_FILE
            raise InputError(f"{place}: sets {others[0]}, which the study's file does not vary; remove this folder")


def _sender(file: StudyFile) -> str | None:
    """Returns what in the file of a study would send figures away; None if nothing would."""
    text = json.dumps([file.words, file.content.get("parameters")], default=str)
    names = [name for name in re.findall(r"\b\w+Logger\b", text) if name not in KEPT_HERE]
    if names:
        return names[0]
    asked = any(option.startswith("--wandb") for option in file.words) or "wandb" in file.parameters
    return f"--wandb {ONLINE}" if asked and re.search(rf"\b{ONLINE}\b", text) else None
