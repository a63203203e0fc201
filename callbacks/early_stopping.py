"""Early stopping that is off until it is given a patience."""

from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from torch import Tensor

from callbacks.monitored_value import value_of_first
from core.epochs import is_cut, never_validates, validation_is_due
from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.measures import Mode, choose_monitor
from core.terminal.printable import counted


class EarlyStopping(KeepsArguments, LightningEarlyStopping):
    """Stops the run once a validation metric has not improved for a while.

    Args:
        patience: Validations without improvement after which the run stops; off if not given.
        monitor: Metric to watch, the model's own if not given.
        mode: Whether more (`max`) or less (`min`) of it is better; the measure's own if not given.
        min_delta: Least change that counts as an improvement.
    """

    def __init__(
        self,
        patience: int | None = None,
        monitor: str | None = None,
        mode: Mode | None = None,
        min_delta: float = 0.0,
    ) -> None:
        if patience is not None and patience < 0:
            raise InputError(f"--early_stopping.patience {patience}: at least 0 is needed")
        super().__init__(monitor or "", min_delta=min_delta, patience=patience or 0, mode=mode or "min")
        self._given, self.given_mode = (monitor, mode), mode
        self.enabled = patience is not None
        self.lacks_value = False  # whether no validation has logged what is watched
        self.stopped = False  # whether it asked the run to stop
        self.reason = ""  # why, in words

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Chooses the metric and checks that the model logs it.

        Raises:
            InputError: The model logs no such metric, or none is named.
        """
        self.stopped = self.lacks_value = False
        before = self.mode
        monitor, self.mode = choose_monitor("--early_stopping.monitor", *self._given, pl_module)
        if monitor is None and self.enabled:
            raise InputError(
                f"--early_stopping.patience: {type(pl_module).__name__} names no value to monitor; name one with "
                "--early_stopping.monitor"
            )
        self.monitor = monitor or ""
        if self.mode != before:  # what Lightning has derived from the mode
            self.min_delta, self.best_score = -self.min_delta, -self.best_score
        super().setup(trainer, pl_module, stage)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Checks that there is something to watch.

        Raises:
            InputError: The run never validates.
        """
        if not self.enabled or trainer.fast_dev_run:
            return
        every, last = trainer.check_val_every_n_epoch, trainer.max_epochs
        if never_validates(trainer):
            reason = "there is no validation"
        elif every is not None and last not in (None, -1) and every > last:
            reason = (
                f"no validation takes place in {counted(last, 'epoch')} (--trainer.check_val_every_n_epoch {every})"
            )
        else:
            return
        raise InputError(f"--early_stopping.patience {self.patience}: {reason}, so that there is nothing to watch")

    def _should_skip_check(self, trainer: Trainer) -> bool:
        if not self.enabled or super()._should_skip_check(trainer):
            return True
        # a run that stops within an epoch validates once more; it goes on from before that validation, if at all
        return is_cut(trainer) and (self._check_on_train_epoch_end or not validation_is_due(trainer))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up a checkpoint's count of validations, but keeps the patience that is configured now."""
        patience = self.patience
        super().load_state_dict(state_dict)
        self.patience = patience

    def describe(self, validations: int) -> str:
        """Returns in words that so many validations brought no improvement."""
        return f"{self.monitor} has not improved in {counted(validations, 'validation')}"

    def _run_early_stopping_check(self, trainer: Trainer) -> None:
        """Looks at the first process's value, so that all decide alike; that there is none RunCheckpoint says."""
        if trainer.fast_dev_run:
            return
        value, self.lacks_value = value_of_first(trainer, self.monitor)
        if value is None:  # a validation without it does not count
            return
        stop, self.stopping_reason_message = self._evaluate_stopping_criteria(torch.tensor(value))
        if stop:
            trainer.should_stop, self.stopped_epoch = True, trainer.current_epoch

    def _evaluate_stopping_criteria(self, current: Tensor) -> tuple[bool, str | None]:
        stop, reason = super()._evaluate_stopping_criteria(current)
        if stop:  # which a minimum length can delay
            self.stopped = True
            finite = torch.isfinite(current)
            self.reason = self.describe(self.wait_count) if finite else f"{self.monitor} is {float(current)}"
        return stop, reason
