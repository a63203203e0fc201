"""Why a run stops before its length, and whether this still holds when it is continued."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason

from callbacks.early_stopping import EarlyStopping
from core.terminal.printable import counted

Limits = dict[str, float | None]


@dataclass
class Stop:
    """The stop of a run, which its checkpoints keep.

    Args:
        by: What asked for it.
        reason: The reason in words.
        limits: The run's limits at that time, None where it had none.
    """

    by: Literal["early_stopping", "max_time", "max_steps", "callback"]
    reason: str
    limits: Limits

    def holds(self, now: Limits) -> bool:
        """Returns whether a run with these limits has nothing left to do: none of them has been raised."""
        for name, then in self.limits.items():
            if then is not None and (now.get(name) is None or now[name] > then):
                return False
        return True


def end(trainer: Trainer) -> None:
    """Ends a run whatever its least numbers of epochs and steps are: a largest number of steps is absolute."""
    trainer.should_stop = True
    trainer.fit_loop.min_epochs, trainer.fit_loop.epoch_loop.min_steps = 0, None


def limits_of(trainer: Trainer) -> Limits:
    """Returns what ends a run: epochs, optimizer steps, seconds, and validations without improvement.

    Lightning's own early stopping has a patience by the name of its state.
    """
    early, durations = trainer.builtin(EarlyStopping), [timer._duration for timer in _timers(trainer.callbacks)]
    return {
        "epochs": None if trainer.max_epochs in (None, -1) else trainer.max_epochs,
        "steps": None if trainer.step_limit == float("inf") else trainer.step_limit,
        "seconds": min(durations, default=None),
        "patience": early.patience if early.enabled else None,
    } | {one.state_key: one.patience for one in early_stopping_of_lightning(trainer)}


def find_stop(trainer: Trainer) -> Stop | None:
    """Returns why a run was asked to stop in this process; None if it was not."""
    if not trainer.should_stop:
        return None
    early, limits = trainer.builtin(EarlyStopping), limits_of(trainer)
    if early.stopped:
        return Stop("early_stopping", early.reason, limits)
    for other in early_stopping_of_lightning(trainer):
        if other.stopping_reason != EarlyStoppingReason.NOT_STOPPED:
            return Stop("early_stopping", _reason_of(other), limits)
    if trainer.optimizer_steps >= (steps := trainer.step_limit):
        return Stop("max_steps", f"{counted(steps, 'step')} {'is' if steps == 1 else 'are'} made", limits)
    if any(timer.time_remaining() <= 0 for timer in _timers(trainer.callbacks)):
        return Stop("max_time", f"{timedelta(seconds=limits['seconds'])} of training are over", limits)
    return Stop("callback", "a callback asked for it", limits)


def early_stopping_of_lightning(trainer: Trainer) -> list[LightningEarlyStopping]:
    """Returns the callbacks for early stopping that are not ours, but given by a user or a model."""
    return [
        one
        for one in trainer.callbacks
        if isinstance(one, LightningEarlyStopping) and not isinstance(one, EarlyStopping)
    ]


def _reason_of(early: LightningEarlyStopping) -> str:
    if early.stopping_reason == EarlyStoppingReason.PATIENCE_EXHAUSTED:
        return EarlyStopping.describe(early, early.wait_count)
    return (early.stopping_reason_message or "").removesuffix(" Signaling Trainer to stop.").removesuffix(".")


def saved_stop(trainer: Trainer, checkpoint: dict[str, Any]) -> Stop | None:
    """Returns the stop that a checkpoint holds; one of an earlier release only has the state of early stopping."""
    if "stop" in checkpoint:
        state = checkpoint["stop"]
        return None if state is None else Stop(**state)
    early = trainer.builtin(EarlyStopping)
    state = checkpoint["callbacks"].get(early.state_key)
    if not early.enabled or state is None or state["wait_count"] < state["patience"]:
        return None
    return Stop("early_stopping", early.describe(state["wait_count"]), {"patience": state["patience"]})


def _timers(callbacks: list[Callback]) -> list[Timer]:
    return [one for one in callbacks if isinstance(one, Timer) and one._duration is not None]
