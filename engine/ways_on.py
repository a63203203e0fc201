"""How a fit from Python goes on: what is said of it at its end, and from where the same call goes on with its run."""

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.printable import counted

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
    run = None if trainer.run_folder is None else str(trainer.run_folder.path)
    way_on = "" if run is None else f"; a new Trainer goes on with fit(..., ckpt_path={run!r})"
    return f"interrupted at step {trainer.checkpoint_callback.optimizer_steps(trainer):,}{way_on}"


def last_checkpoint(trainer: Any) -> Path:
    """Returns the checkpoint from which a run goes on that this trainer has begun and not ended.

    Without it weights, optimizer and place in the data would be of different moments.

    Raises:
        InputError: The run has none.
    """
    if not trainer.checkpoint_callback.has_saved(trainer):
        steps = trainer.checkpoint_callback.optimizer_steps(trainer)
        raise InputError(
            f"the last fit of this trainer ended at step {steps:,}, before its run was over, and there is no "
            "checkpoint to go on from; a new Trainer begins anew"
        )
    return trainer.run_folder.path / "checkpoints" / "last.ckpt"
