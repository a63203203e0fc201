"""The logged value that decides about checkpoints or an early stop: what it is, and where nothing says what is good."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from pytorch_lightning import LightningModule, Trainer

from callbacks.logged_values import LoggedValues
from core.code.known_code import is_known
from core.errors import InputError
from core.measures import Mode, measure_of, measures_of
from core.terminal.printable import shown_path
from lightning_modules.tasks.task import Task


class Watcher(Protocol):
    """A callback that reads a monitored value."""

    monitor: str | None
    mode: Mode
    given_mode: Mode | None  # None where the measure, or nothing, states which is better
    lacks_value: bool  # whether no validation has logged the value


class MissingValue(InputError):
    """No validation has logged a monitored value; the run is saved."""


Watchers = Mapping[str, Watcher]  # by the group of their options, such as `checkpoint`


def assumed_modes(watchers: Watchers, pl_module: LightningModule) -> Iterator[str]:
    """Yields in words for which values it is assumed that less is better, since neither option nor measure says it."""
    measures = measures_of(pl_module)
    assumed: dict[str, list[str]] = {}
    for group, watcher in watchers.items():
        if watcher.monitor and watcher.given_mode is None and measure_of(watcher.monitor, measures) is None:
            assumed.setdefault(watcher.monitor, []).append(f"--{group}.mode max")
    for monitor, options in assumed.items():
        turns = "turns" if len(options) == 1 else "turn"
        yield f"less of {monitor} counts as better, since nothing says which is; {' and '.join(options)} {turns} that"


def has_finite_measures(trainer: Trainer) -> bool:
    """Returns whether all measures of this epoch's validation are finite; those of another package have none."""
    names = [f"val/{name}" for name in measures_of(trainer.lightning_module)]
    return all(math.isfinite(trainer.epoch_validation.get(name, 0.0)) for name in names)


def unlogged_measures(pl_module: LightningModule, logged: Iterable[str]) -> str | None:
    """Returns in words which measures of a user's class are in no figures of an epoch; None if there are none such.

    Those that a class of this project lists may need what a run lacks, such as a judge.

    Args:
        pl_module: The model.
        logged: Names of what the epoch has logged, in training and in its validation.
    """
    ours = next((base for base in type(pl_module).__mro__ if is_known(base.__module__)), None)
    names = {} if ours is type(pl_module) else measures_of(pl_module)
    added = [name for name in names if name not in measures_of(ours)]
    lacking = [name for name in added if not {f"train/{name}", f"val/{name}"} & {*logged}]
    if not lacking:
        return None
    return f"{type(pl_module).__name__}.measures lists {', '.join(lacking)}, which neither training nor validation logs"


def values_of_one_process(trainer: Trainer, pl_module: LightningModule) -> set[str]:
    """Returns the figures of this epoch, validation or test that another package's module logs for one process alone.

    Lightning would say so in a warning for each, and of a Task as well, whose metrics add up themselves.
    """
    if trainer.world_size == 1 or isinstance(pl_module, Task):
        return set()
    logged = [result for result in trainer._results.values() if result.is_tensor and not result.has_reset]
    return {result.meta.name for result in logged if result.meta.on_epoch and not result.meta.sync.should}


def value_of_first(trainer: Trainer, monitor: str) -> tuple[float | None, bool]:
    """Returns a logged value of the first process on all of them, and whether it is lacking.

    It is lacking where nothing has ever logged it. Where only this validation has not, it is None and not lacking. What
    another package logs may differ from process to process, or be on the first alone; all have to decide alike.
    """
    values = trainer.builtin(LoggedValues)
    is_left_out = values.is_left_out(trainer, monitor)
    value = None if is_left_out else values.latest(trainer, monitor)
    lacks = value is None and not is_left_out
    return trainer.strategy.broadcast((None if value is None else float(value), lacks))


def is_missing(watchers: Watchers) -> bool:
    """Returns whether no validation has logged a monitored value."""
    return any(watcher.lacks_value for watcher in watchers.values())


def refuse_missing(trainer: Trainer, watchers: Watchers) -> None:
    """Refuses to go on where no validation has logged a monitored value, once the run is saved.

    Raises:
        MissingValue: It has not; says which values there are, and how the run goes on with one of them.
    """
    if not is_missing(watchers):
        return
    options = [f"--{group}.monitor" for group, watcher in watchers.items() if watcher.lacks_value]
    named = next(watcher.monitor for watcher in watchers.values() if watcher.lacks_value)
    logged = trainer.strategy.broadcast(sorted(trainer.callback_metrics))  # of which each process may have others
    reason = f"{options[0]} {named}: no such metric; there are {', '.join(logged)}"
    raise MissingValue(f"{reason}{_way_on(trainer, options)}")


def _way_on(trainer: Trainer, options: list[str]) -> str:
    """Returns in words how a run goes on with other monitored values; nothing where none of it is saved."""
    if not trainer.checkpoint_callback.has_saved(trainer):
        return ""
    run = trainer.run_folder.path
    if trainer.origin.command is None:
        return f"; a new Trainer that monitors one of these goes on with fit(..., ckpt_path={str(run)!r})"
    return f"; fit --ckpt_path {shown_path(run)} {' '.join(f'{option} NAME' for option in options)} goes on"
