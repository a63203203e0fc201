"""The logged value that decides about checkpoints or an early stop: what it is, and where nothing says what is good."""

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

from pytorch_lightning import LightningModule, Trainer

from core.measures import Mode, measure_of, measures_of


class Watcher(Protocol):
    """A callback that reads a monitored value."""

    monitor: str | None
    mode: Mode
    given_mode: Mode | None  # None where the measure, or nothing, states which is better


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
