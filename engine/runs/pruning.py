"""Pruning: a run that is a trial of a study ends early if the study's other trials are better."""

from collections.abc import Iterator
from pathlib import Path

from pytorch_lightning import Trainer

from callbacks.successive_halving import SuccessiveHalving
from core.errors import InputError
from core.files.home import from_home
from engine.runs.trial_file import TRIAL_FILE, read_trial


def prune_if_worse(trainer: Trainer, run_dir: str | None) -> None:
    """Has a trainer compare its run with the other trials, if it is a trial that may be pruned.

    Args:
        trainer: The trainer, with its callbacks.
        run_dir: The run's folder, as the user named it; other processes of a run than the first know no other yet.

    Raises:
        InputError: The file that makes it a trial is damaged.
    """
    folder = trainer.run_folder.path if trainer.run_folder is not None else run_dir and from_home(run_dir)
    if not folder or trainer.fast_dev_run:
        return
    try:
        trial = read_trial(folder)
    except ValueError as error:
        raise InputError(str(error)) from error
    if trial is None or trial.halving is None:
        return
    rule = trial.halving

    def others() -> Iterator[Path]:
        yield from (path.parent for path in folder.parent.glob(f"*/{TRIAL_FILE}") if path.parent != folder)

    def note(epochs: int, value: float, bar: float) -> None:
        trial.pruned = {"epochs": epochs, "value": value if value == value else None, "needed": bar}
        trial.write()

    trainer.callbacks.append(SuccessiveHalving(others, rule.metric, rule.mode, rule.epochs, rule.eta, note))
