"""What makes the continuation of a run exact, beside what Lightning restores."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import GradientAccumulationScheduler
from pytorch_lightning.plugins.precision import DoublePrecision

from core.code.known_code import LIBRARIES, OWN
from core.epochs import goes_on_within_epoch
from core.errors import InputError
from core.files.plain_json import load_json
from core.files.plain_yaml import load_plain
from core.run_layout import LAST
from core.terminal.console import print_line


def prepare_weights(trainer: Trainer, pl_module: LightningModule) -> None:
    """Makes weights double before a checkpoint is read into them, as Lightning does only afterwards."""
    if isinstance(trainer.precision_plugin, DoublePrecision):
        trainer.precision_plugin.convert_module(pl_module)


def facts_of_run(trainer: Trainer) -> dict[str, Any]:
    """Returns what a run cannot change and still be this run: its seed, and its config where it has one."""
    config = trainer.origin.config_text
    return {"run_seed": trainer.seed} | ({} if config is None else {"run_config": _as_json(config)})


def check_facts(trainer: Trainer, checkpoint: dict[str, Any]) -> None:
    """Checks that a run resumes with its seed; the command checks its config.

    Raises:
        InputError: It has another.
    """
    seed = checkpoint.get("run_seed", trainer.seed)  # absent in older checkpoints
    if seed != trainer.seed:
        raise InputError(f"the seed is {trainer.seed}: this run has {seed}, and cannot change it")


def saved_optimizer_steps(checkpoint: dict[str, Any]) -> int:
    """Returns the optimizer steps of a checkpoint; one of an earlier release counts them by `global_step`."""
    return checkpoint.get("optimizer_steps", checkpoint["global_step"])


def config_of_run(checkpoint: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the config in a checkpoint; None where there is none, as in older ones and in those of a notebook."""
    try:
        config = load_json(checkpoint["run_config"])
    except (KeyError, TypeError, ValueError):
        return None
    return config if isinstance(config, dict) else None


@lru_cache(1)
def _as_json(config: str) -> str:
    """Returns a config as a form that can be read from a stranger's file: no part of it can stand for another."""
    return json.dumps(load_plain(config), default=str)


def resume_accumulation(trainer: Trainer) -> None:
    """Sets the number of accumulated batches of the present epoch, within which the run may resume."""
    for callback in trainer.callbacks:
        if isinstance(callback, GradientAccumulationScheduler):
            trainer.accumulate_grad_batches = callback.get_accumulate_grad_batches(trainer.current_epoch)


def earlier_of_run(checkpoint: Path, folder: Path | None) -> Path | None:
    """Returns the checkpoint from which a fit resumes, if it is another one of its run than the last.

    It becomes the last one once a step is made: otherwise a run that is killed before it saves resumes from the other.
    """
    if folder is None or checkpoint.name == LAST or checkpoint.resolve().parent != folder.resolve():
        return None
    return checkpoint


def tell_skipped_hooks(trainer: Trainer) -> None:
    """Says which hooks of a user's code are not called, because the run resumes within an epoch.

    A model's hook at a batch's end comes after the save of that batch, which callbacks make.
    """
    if not goes_on_within_epoch(trainer):
        return
    if _is_users(trainer.lightning_module, "on_train_batch_end"):
        print_line(
            f"note     {type(trainer.lightning_module).__name__}.on_train_batch_end comes after a save: what it did at "
            "the batch of this checkpoint is lost; do it in training_step, which comes before"
        )
    for one in (trainer.lightning_module, *trainer.callbacks):
        if _is_users(one, "on_train_epoch_start") and not _is_users(one, "on_train_start"):
            print_line(
                f"note     {type(one).__name__}.on_train_epoch_start is not called for an epoch that goes on; "
                "on_train_start is, and can restore what it sets"
            )


def _is_users(owner: LightningModule | Callback, hook: str) -> bool:
    return getattr(type(owner), hook).__module__.partition(".")[0] not in (*OWN, *LIBRARIES)
