"""Lets the configured learning rate, momentum and weight decay win over those of a checkpoint."""

import inspect
import math
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer, SparseAdam
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
    StepLR,
)

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.optimizers import has_sparse_embeddings
from lightning_modules.schedules import RunSchedule

FINITE = ("lr", "weight_decay", "momentum")
LENGTHS = {StepLR: "step_size", CosineAnnealingLR: "T_max"}  # by which these schedules divide


class ConfiguredOptimizer(Callback):
    """Applies what changed in the configuration of optimizers between a checkpoint and the run that continues from it.

    A checkpoint restores every hyperparameter along with an optimizer's state. This keeps in the checkpoint what was
    configured, and compares on resume, optimizer by optimizer and group by group: a changed learning rate scales the
    current one, and with it the schedule; any other changed value replaces the old. What did not change stays as it is.
    """

    def __init__(self) -> None:
        self._configured: list[list[dict[str, Any]]] = []
        self._before: list[list[dict[str, Any]]] | None = None
        self._classes: list[str] = []
        self._classes_before: list[str] | None = None  # absent in checkpoints of earlier releases

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps what is configured, before a checkpoint overwrites it.

        Raises:
            InputError: A learning rate, weight decay or momentum is not finite, a momentum adds up without end, the
                optimizer is for sparse gradients, and there will be none, or it is another than the checkpoint's.
        """
        self._classes = [type(optimizer).__name__ for optimizer in trainer.optimizers]
        before, self._classes_before = self._classes_before, None
        if before not in (None, self._classes):  # whose state it could not take up
            now, then = " and ".join(self._classes), " and ".join(before)
            raise InputError(f"the optimizer is {now}: this run has {then}, and cannot change it")
        self._configured = [_hyperparameters(optimizer) for optimizer in trainer.optimizers]
        _check_hyperparameters(self._configured)
        if any(isinstance(optimizer, SparseAdam) for optimizer in trainer.optimizers):
            _check_sparse(pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes what was configured when the checkpoint was saved."""
        self._before, self._classes_before = state_dict["configured"], state_dict.get("classes")

    def state_dict(self) -> dict[str, Any]:
        """Returns what is configured, by optimizer and parameter group, and the optimizers' classes."""
        return {"configured": self._configured, "classes": self._classes}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Applies the changes to the restored optimizers, and checks that the schedules last as long as the run.

        Raises:
            InputError: A schedule would end before the run, or divides by a length of nothing.
        """
        _check_lengths(trainer)
        before, self._before = self._before, None
        if before is None:
            return
        schedules_of_all = [one for config in trainer.lr_scheduler_configs for one in _schedules(config.scheduler)]
        # Lightning has checked that the checkpoint has as many optimizers and groups
        for optimizer, was, now in zip(trainer.optimizers, before, self._configured, strict=True):
            schedules = [schedule for schedule in schedules_of_all if schedule.optimizer is optimizer]
            for place, (group, old, new) in enumerate(zip(optimizer.param_groups, was, now, strict=True)):
                for key in new:
                    if key == "lr" and key in old and old[key] != new[key]:
                        _rescale(group, place, old[key], new[key], schedules)
                    elif old.get(key) != new[key]:
                        group[key] = new[key]
            for schedule in schedules:
                if isinstance(schedule, RunSchedule):
                    schedule.refresh()  # its shape may have changed too; if not, these are the very same numbers


def _check_hyperparameters(configured: list[list[dict[str, Any]]]) -> None:
    for key, value in (item for groups in configured for group in groups for item in group.items()):
        # others may be infinite, such as the largest growth of an estimated rate
        if isinstance(value, float) and not math.isfinite(value) and (key in FINITE or math.isnan(value)):
            raise InputError(f"the optimizer's {key} is {value}: a finite number is needed")
        if key == "momentum":
            check_range("the optimizer's momentum", value, most=1, below=True)


def _check_sparse(network: LightningModule) -> None:
    if not has_sparse_embeddings(network):
        reason = "it is for embeddings with sparse gradients, of which this network has none"
        raise InputError(f"{_named(network, 'optimizer', 'SparseAdam')}: {reason}; take Adam")


def has_option(model: LightningModule, name: str) -> bool:
    """Returns whether a model is given something by its constructor, as `--model.NAME`, and does not make it itself."""
    return any(name in inspect.signature(kind.__init__).parameters for kind in type(model).__mro__)


def _named(model: LightningModule, option: str, kind: str) -> str:
    return f"--model.{option} {kind}" if has_option(model, option) else f"{type(model).__name__}'s {kind}"


def _check_lengths(trainer: Trainer) -> None:
    for config in trainer.lr_scheduler_configs:
        schedule = config.scheduler
        for kind, name in LENGTHS.items():
            if isinstance(schedule, kind):
                check_range(f"the schedule's {name}", vars(schedule)[name], 1)
        # the only schedule of torch that stops a run which goes on beyond its end
        if isinstance(schedule, OneCycleLR) and config.interval == "step":
            steps = trainer.estimated_stepping_batches
            if steps > schedule.total_steps:
                name = _named(trainer.lightning_module, "lr_scheduler", "OneCycleLR")
                if name.startswith("--"):
                    way_out = "lightning_modules.schedules has schedules that take the run's own length"
                elif trainer.goes_on:
                    way_out = "its checkpoint keeps that length, which only a new run can have otherwise"
                else:
                    way_out = "trainer.estimated_stepping_batches of the module is the run's own length"
                raise InputError(
                    f"{name}: it ends after {schedule.total_steps:,} steps, and the run "
                    f"makes {'any number' if math.isinf(steps) else f'{steps:,}'}; {way_out}"
                )


def _schedules(schedule: Any) -> list[LRScheduler]:
    """Returns a schedule and those that it consists of; none for an object of another kind."""
    if not isinstance(schedule, LRScheduler):
        return []
    parts = schedule._schedulers if isinstance(schedule, SequentialLR | ChainedScheduler) else []
    return [schedule, *(inner for part in parts for inner in _schedules(part))]


def _hyperparameters(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in group.items() if key not in ("params", "initial_lr")}
        | ({"lr": group.get("initial_lr", group["lr"])} if "lr" in group else {})  # another package's may have none
        for group in optimizer.param_groups
    ]


def _rescale(group: dict[str, Any], place: int, old: float, new: float, schedules: list[LRScheduler]) -> None:
    group["lr"] = group["lr"] * new / old if old else new
    if "initial_lr" in group:
        group["initial_lr"] = new
    for schedule in schedules:
        state = vars(schedule)  # a plateau's has no `base_lrs`, and one of several schedules no `_last_lr` of its own
        if "base_lrs" in state:
            state["base_lrs"][place] = new
        if "_last_lr" in state:
            state["_last_lr"][place] = group["lr"]
