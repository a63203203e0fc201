"""Lets the configured learning rate, momentum and weight decay win over those of a checkpoint."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from lightning_modules.schedules import RunSchedule


class ConfiguredOptimizer(Callback):
    """Applies what changed in the optimizer's configuration between a checkpoint and the run that goes on from it.

    A checkpoint restores every hyperparameter along with the optimizer's state. This remembers in the checkpoint what
    was configured, and compares on resume: a changed learning rate scales the current one, and with it the schedule;
    any other changed value replaces the old. Nothing changed, nothing is touched.
    """

    def __init__(self) -> None:
        self._configured: list[list[dict[str, Any]]] = []
        self._before: list[list[dict[str, Any]]] | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes note of what is configured, before a checkpoint overwrites it."""
        self._configured = [_hyperparameters(optimizer) for optimizer in trainer.optimizers]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up what was configured when the checkpoint was saved."""
        self._before = state_dict["configured"]

    def state_dict(self) -> dict[str, Any]:
        """Returns what is configured, by optimizer and parameter group."""
        return {"configured": self._configured}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Applies the changes to the restored optimizers."""
        before, self._before = self._before, None
        if before is None:
            return
        for number, optimizer in enumerate(trainer.optimizers):
            schedules: list[Any] = [
                c.scheduler for c in trainer.lr_scheduler_configs if c.scheduler.optimizer is optimizer
            ]
            groups = zip(optimizer.param_groups, before[number], self._configured[number], strict=True)
            for place, (group, old, new) in enumerate(groups):
                for key in new:
                    if key == "lr" and old[key] != new[key]:
                        _rescale(group, place, old[key], new[key], schedules)
                    elif old.get(key) != new[key]:
                        group[key] = new[key]
            for schedule in schedules:
                if isinstance(schedule, RunSchedule):
                    schedule.refresh()  # its shape may have changed too; if not, these are the very same numbers


def _hyperparameters(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in group.items() if key not in ("params", "initial_lr")}
        | {"lr": group.get("initial_lr", group["lr"])}
        for group in optimizer.param_groups
    ]


def _rescale(group: dict[str, Any], place: int, old: float, new: float, schedules: list[Any]) -> None:
    group["lr"] = group["lr"] * new / old if old else new
    if "initial_lr" in group:
        group["initial_lr"] = new
    for schedule in schedules:
        if hasattr(schedule, "base_lrs"):
            schedule.base_lrs[place] = new
        schedule._last_lr[place] = group["lr"]
