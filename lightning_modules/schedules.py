"""Learning-rate schedules over a whole run, counted in optimizer steps.

Each multiplies the configured learning rate by a factor that depends on the progress of the run, from 0 to 1. The
run's length is set when it is known, so configs need not give it. torch's schedules
(`torch.optim.lr_scheduler.ExponentialLR` and so on) also work and count optimizer steps; `ReduceLROnPlateau` steps
after every epoch with a validation.
"""

import math
from abc import abstractmethod

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from core.errors import InputError


class RunSchedule(LRScheduler):
    """A schedule over the length of the run.

    Args:
        optimizer: The optimizer whose learning rates are scaled.
        total_steps: Optimizer steps of the whole run; set by the trainer if not given.
    """

    def __init__(self, optimizer: Optimizer, total_steps: int | None = None) -> None:
        if total_steps is not None and total_steps < 1:
            raise InputError(f"{type(self).__name__}: total_steps is {total_steps}; at least 1 is needed")
        self.total_steps = total_steps
        super().__init__(optimizer)

    @abstractmethod
    def factor(self, progress: float) -> float:
        """Returns the factor at a progress between 0 (first step) and 1 (end of the run)."""

    def set_total_steps(self, total_steps: int | float) -> None:
        """Sets the length of the run, unless the config gives it.

        Raises:
            InputError: The run has no limit of epochs or steps.
        """
        if self.total_steps is None:
            if not math.isfinite(total_steps) or total_steps <= 0:
                raise InputError(
                    f"{type(self).__name__} needs the run's length: set --trainer.max_epochs or --trainer.max_steps"
                )
            self.total_steps = int(total_steps)
        self.refresh()

    def refresh(self) -> None:
        """Sets the optimizer's learning rates to those of the current step."""
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = self.get_lr()

    def get_lr(self) -> list[float]:
        """Returns the learning rate of each parameter group for the next step."""
        progress = min(1.0, self.last_epoch / self.total_steps) if self.total_steps else 0.0
        return [base * self.factor(progress) for base in self.base_lrs]

    def state_dict(self) -> dict:
        """Returns the position and base learning rates, but not the settings, which are in the config."""
        return {key: getattr(self, key) for key in ("last_epoch", "base_lrs", "_step_count", "_last_lr")}


class WarmupCosine(RunSchedule):
    """Linear warm-up, then cosine decay (Loshchilov and Hutter, 2017, without restarts).

    Args:
        optimizer: The optimizer whose learning rates are scaled.
        warmup: Part of the run for the warm-up, 0 to 1.
        final: Factor at the end of the run.
        total_steps: Optimizer steps of the whole run; set by the trainer if not given.
    """

    def __init__(
        self, optimizer: Optimizer, warmup: float = 0.1, final: float = 0.0, total_steps: int | None = None
    ) -> None:
        self.warmup = _part("warmup", warmup)
        self.final = final
        super().__init__(optimizer, total_steps)

    def factor(self, progress: float) -> float:
        """Returns the factor at a progress between 0 and 1."""
        if progress < self.warmup:
            return progress / self.warmup
        down = (progress - self.warmup) / (1 - self.warmup)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * down)) / 2


class WarmupLinear(RunSchedule):
    """Linear warm-up, then linear decay.

    Args:
        optimizer: The optimizer whose learning rates are scaled.
        warmup: Part of the run for the warm-up, 0 to 1.
        final: Factor at the end of the run.
        start: Factor at the first step.
        total_steps: Optimizer steps of the whole run; set by the trainer if not given.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup: float = 0.1,
        final: float = 0.0,
        start: float = 0.0,
        total_steps: int | None = None,
    ) -> None:
        self.warmup = _part("warmup", warmup)
        self.final = final
        self.start = start
        super().__init__(optimizer, total_steps)

    def factor(self, progress: float) -> float:
        """Returns the factor at a progress between 0 and 1."""
        if progress < self.warmup:
            return self.start + (1 - self.start) * progress / self.warmup
        return 1 + (self.final - 1) * (progress - self.warmup) / (1 - self.warmup)


class OneCycle(RunSchedule):
    """Rises to the configured learning rate and decays again, both by a half cosine (Smith and Topin, 2018).

    Args:
        optimizer: The optimizer whose learning rates are scaled.
        rise: Part of the run for the rise, 0 to 1.
        start: Factor at the first step.
        final: Factor at the end of the run.
        total_steps: Optimizer steps of the whole run; set by the trainer if not given.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        rise: float = 0.3,
        start: float = 0.04,
        final: float = 4e-6,
        total_steps: int | None = None,
    ) -> None:
        self.rise = _part("rise", rise)
        self.start = start
        self.final = final
        super().__init__(optimizer, total_steps)

    def factor(self, progress: float) -> float:
        """Returns the factor at a progress between 0 and 1."""
        if progress < self.rise:
            return 1 + (self.start - 1) * (1 + math.cos(math.pi * progress / self.rise)) / 2
        down = (progress - self.rise) / (1 - self.rise)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * down)) / 2


class ExponentialDecay(RunSchedule):
    """Exponential decay that reaches `final` at the end of the run.

    Args:
        optimizer: The optimizer whose learning rates are scaled.
        final: Factor at the end of the run, above 0.
        total_steps: Optimizer steps of the whole run; set by the trainer if not given.
    """

    def __init__(self, optimizer: Optimizer, final: float = 0.01, total_steps: int | None = None) -> None:
        if final <= 0:
            raise InputError(f"ExponentialDecay: final is {final}; it must be above 0")
        self.final = final
        super().__init__(optimizer, total_steps)

    def factor(self, progress: float) -> float:
        """Returns the factor at a progress between 0 and 1."""
        return self.final**progress


def _part(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise InputError(f"{name} is {value}: it is a part of the run, at least 0 and below 1")
    return value
