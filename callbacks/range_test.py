"""A learning-rate range test: the rate rises from step to step, and the loss says which rates train.

Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, arXiv:1506.01186.
"""

import math
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from tqdm import tqdm

from callbacks.progress import opening_lines
from core.errors import InputError
from core.ranges import check_range
from core.terminal.console import bar_is_hidden, print_line
from lightning_modules.alternating import Alternating

MEMORY = 0.9  # of the running mean of losses that tells an end
WORSE = 4.0  # times the least running mean, at which it ends


class RangeTest(Callback):
    """Raises the learning rate of every optimizer step by the same factor, and keeps the loss after each.

    The rates of all parameter groups rise together and keep their ratios, so that a norm's or a head's own rate stays
    what it is beside the others. Schedules do not act. It ends early where the loss is not finite any more, or four
    times its least.

    Args:
        least: Learning rate of the first step: the optimizer's own, from which groups by depth differ by their factor,
            or that of the first parameter group if none has it.
        most: That of the last step.
        steps: Number of steps.
        bar: Show a bar, where there is a terminal to show it on.

    Attributes:
        rates: Learning rate of each step that was made.
        losses: Loss of the next batch after each step, which tells what the step has done.
        configured: What the settings give in its place.
        diverged: Whether it ended early for its loss.

    Raises:
        InputError: The rates are no range, or the steps are too few for a curve.
    """

    def __init__(self, least: float = 1e-7, most: float = 10.0, steps: int = 200, bar: bool = True) -> None:
        check_range("--min_lr", least, above=True)
        check_range("--steps", steps, 20)
        if not least < most < math.inf:
            raise InputError(f"--max_lr {most:g}: must be above --min_lr {least:g}")
        self.least, self.most, self.steps, self.bar = least, most, steps, bar
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.configured = 0.0
        self.diverged = False
        self._batches: list[float] = []  # losses of the batches of the current step
        self._tqdm: tqdm | None = None
        self._mean, self._best = 0.0, math.inf

    @property
    def was_stopped(self) -> bool:
        """Whether something else, such as another callback, ended it before its last step."""
        return not self.diverged and len(self.losses) < self.steps

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes the rates from the schedules.

        Raises:
            InputError: There is no single optimizer, or it has no rate to raise.
        """
        self._groups = _groups(trainer, pl_module)
        self.configured = _configured(self._groups, trainer.optimizers[0].defaults.get("lr"))
        if not self.configured > 0:
            reason = f"the configured learning rate is {self.configured:g}"
            raise InputError(f"lr_find: {reason}; the test needs one above 0")
        trainer.strategy.lr_scheduler_configs = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints what is tested, and opens the bar."""
        for line in opening_lines(trainer, pl_module):
            print_line(line)
        hidden = bar_is_hidden(self.bar and trainer.is_global_zero)
        self._tqdm = tqdm(total=self.steps + 1, desc="steps", disable=hidden, leave=False, dynamic_ncols=True)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Sets the rates of the next step."""
        place = min(trainer.optimizer_steps, self.steps - 1) / (self.steps - 1)
        self._rate = self.least * (self.most / self.least) ** place
        for group, configured in self._groups:
            group["lr"] = self._rate * (configured / self.configured)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keeps the loss, which is that of the weights before this step, and ends the test.

        Raises:
            InputError: The model returns no loss.
        """
        if batch is None:  # which the loop leaves out
            return
        if "loss" not in (outputs or {}):
            raise InputError(f"lr_find: {type(pl_module).__name__} returns no loss from its training step")
        # every process is to see the same, and to end at the same step
        self._batches.append(float(trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean")))
        if not trainer.batch_stepped:
            return
        loss = sum(self._batches) / len(self._batches) * trainer.accumulate_grad_batches  # by which each is divided
        self._batches = []
        if self.rates:
            self.losses.append(loss)
        self.diverged = self._is_worse(loss)
        done = len(self.losses) == self.steps
        if not (self.diverged or done):
            self.rates.append(self._rate)
        self._tqdm.update()
        trainer.should_stop |= self.diverged or done

    def _is_worse(self, loss: float) -> bool:
        """Returns whether the loss has come to several times its least, or is not finite."""
        n = len(self.losses) + 1
        self._mean = MEMORY * self._mean + (1 - MEMORY) * loss
        mean = self._mean / (1 - MEMORY**n)
        self._best = min(self._best, mean)
        return not math.isfinite(loss) or mean > WORSE * self._best > 0

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Closes the bar, and forgets a last step after which no loss is known, since something else ended the test."""
        self._tqdm.close()
        del self.rates[len(self.losses) :]

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Closes the bar."""
        if self._tqdm is not None:
            self._tqdm.close()


def _groups(trainer: Trainer, pl_module: LightningModule) -> list[tuple[dict[str, Any], float]]:
    """Returns the parameter groups with their configured rates.

    Raises:
        InputError: There is no single optimizer, or it has no rate to raise.
    """
    name, optimizers = type(pl_module).__name__, trainer.optimizers
    several = len(optimizers) != 1 or isinstance(optimizers[0], Alternating)
    if several or not pl_module.automatic_optimization:
        raise InputError(f"lr_find: {name} is trained by several players or by hand, whose losses tell no rate")
    groups = optimizers[0].param_groups
    if any("lr" not in group for group in groups):
        raise InputError(f"lr_find: {type(optimizers[0]).__name__} has no learning rate")
    return [(group, float(group.get("initial_lr", group["lr"]))) for group in groups]  # a schedule has begun by now


def _configured(groups: list[tuple[dict[str, Any], float]], own: float | None) -> float:
    """Returns an optimizer's own rate, if a group has it or differs from it by its depth alone; else the first one."""
    has_own = own is not None and any(math.isclose(rate, own * group.get("depth_factor", 1)) for group, rate in groups)
    return float(own) if has_own else groups[0][1]
