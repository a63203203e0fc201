"""How a fit from Python goes on: what is said of it at its end, and from where the same call goes on with its run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule

from core.errors import InputError
from core.printable import counted

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))
LIMITS = {"early_stopping": "patience", "max_time": "max_time", "max_steps": "max_steps"}  # by what stops a run


def why_nothing_is_left(trainer: Any) -> str:
    """Returns a line that says why a trainer's fit has had nothing to do, and what would take its run further."""
    stop = trainer.checkpoint_callback.stop(trainer)
    epochs, limit = trainer.fit_loop.epoch_progress.current.processed, "max_epochs"
    why = f"{counted(epochs, 'epoch')} {'is' if epochs == 1 else 'are'} trained"
    if stop is not None:
        why, limit = stop.reason, LIMITS.get(stop.by, limit)
    return (
        f"nothing is left to do: {why}; a new Trainer with a larger {limit} goes on with "
        "fit(..., ckpt_path=RUN_FOLDER), and begins anew without ckpt_path"
    )


def how_it_was_interrupted(trainer: Any) -> str:
    """Returns a line that says where a trainer's fit was interrupted, and how its run goes on."""
    way_on = ""
    if trainer.checkpoint_callback.has_saved(trainer):
        run = str(trainer.run_folder.path)
        way_on = f"; a new Trainer goes on with fit(..., ckpt_path={run!r}), and this one by the same call"
    return f"interrupted at step {trainer.checkpoint_callback.optimizer_steps(trainer):,}{way_on}"


def check_continues_same_model(before: LightningModule, now: LightningModule) -> None:
    """Checks that a fit that goes on is given the model of its run, or one of the same class and settings.

    Raises:
        InputError: It is another.
    """
    kinds = [(type(model), _plain(model.hparams_initial)) for model in (before, now)]
    if before is not now and kinds[0] != kinds[1]:
        raise InputError(
            "the last fit of this trainer ended before its run was over, and this model is another than the run's; a "
            "new Trainer trains it"
        )


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that can be compared, which the makers of optimizers cannot."""
    return {name: value for name, value in settings.items() if isinstance(value, PLAIN)}


def last_checkpoint(trainer: Any) -> Path:
    """Returns the checkpoint from which a run goes on that this trainer has begun and not ended.

    Without it weights, optimizer and place in the data would be of different moments.

    Raises:
        InputError: The run has none.
    """
    checkpoints = trainer.checkpoint_callback
    if not checkpoints.has_saved(trainer):
        is_of_another = trainer.run_folder is None and trainer.saves_checkpoints  # and it made no step of its own
        way_out = "give its ckpt_path again, or" if is_of_another else "there is no checkpoint to go on from, so"
        raise InputError(
            f"the last fit of this trainer ended at step {checkpoints.optimizer_steps(trainer):,}, before its run was "
            f"over; {way_out} a new Trainer begins anew"
        )
    return checkpoints.goes_back_to or trainer.run_folder.path / "checkpoints" / "last.ckpt"
