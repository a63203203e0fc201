"""Plateau schedules, which step with a monitored value of validation, before the epoch's checkpoint is saved."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from core.epochs import is_cut, never_validates
from core.errors import InputError
from core.measures import check_monitor, measure_of, measures_of
from core.own_trainer import refuse_other_trainer

NEVER_STEPPED = 10**9  # epochs: Lightning keeps a plateau schedule's state, but does not step it


def plateau_config(schedule: ReduceLROnPlateau, model: LightningModule) -> dict[str, Any]:
    """Returns a plateau schedule as Lightning takes it.

    Raises:
        InputError: The model does not measure what it watches, the trainer is Lightning's own, or a run would begin for
            which the other direction is better; one of an earlier release goes on as it was.
    """
    refuse_other_trainer(model._trainer, "a plateau schedule")
    monitor = getattr(schedule, "monitor", "val/loss")  # Lightning's class has one, torch's has none
    check_monitor("--model.lr_scheduler.monitor", monitor, model)
    measure, goes_on = measure_of(monitor, measures_of(model)), getattr(model._trainer, "goes_on", False)
    if measure is not None and measure.better != schedule.mode and not goes_on:
        more = "more" if measure.better == "max" else "less"
        raise InputError(
            f"--model.lr_scheduler.mode {schedule.mode}: {more} of {monitor} is better; give {measure.better}"
        )
    return {"scheduler": schedule, "monitor": monitor, "interval": "epoch", "frequency": NEVER_STEPPED}


def check_validated(trainer: Trainer) -> None:
    """Checks that what a plateau schedule watches will be measured.

    Raises:
        InputError: There is no validation.
    """
    for config in trainer.lr_scheduler_configs:
        if isinstance(config.scheduler, ReduceLROnPlateau) and never_validates(trainer):
            raise InputError(
                f"--model.lr_scheduler: a plateau schedule watches {config.monitor}: it needs a validation split "
                "(--data.val_size, --trainer.limit_val_batches)"
            )


def of_first(trainer: Trainer, value: Any) -> Any:
    """Returns a logged value; of several processes, of which each may have logged another, that of the first.

    Args:
        trainer: The trainer, of which all processes ask.
        value: What this process has logged; None if nothing.
    """
    if trainer.world_size == 1:
        return value
    return trainer.strategy.broadcast(None if value is None else float(value))


def step_plateaus(trainer: Trainer) -> None:
    """Steps the plateau schedules at the end of an epoch with its validation, if it had one."""
    if is_cut(trainer):  # the run can go on within this epoch
        return
    # Lightning would do this after the epoch's checkpoint is saved, and never after a resume.
    for config in trainer.lr_scheduler_configs:
        if isinstance(config.scheduler, ReduceLROnPlateau):
            value = of_first(trainer, trainer.epoch_validation.get(config.monitor))
            if value is not None:
                config.scheduler.step(value)
