"""Early stopping that is off until it is given a patience."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from torch import Tensor

from core.errors import InputError
from core.measures import Mode, choose_monitor


class EarlyStopping(LightningEarlyStopping):
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
        super().__init__(monitor or "", min_delta=min_delta, patience=patience or 0, mode=mode or "min")
        self._given = monitor, mode
        self.enabled = patience is not None
        self.stopped = False  # whether it ended the run

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Chooses the metric and checks that the model logs it.

        Raises:
            InputError: The model logs no such metric, or none is named.
        """
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

    def _should_skip_check(self, trainer: Trainer) -> bool:
        # without a validation split there is nothing to watch
        return not self.enabled or not sum(trainer.num_val_batches) or super()._should_skip_check(trainer)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up a checkpoint's count of validations, but keeps the patience that is configured now."""
        patience = self.patience
        super().load_state_dict(state_dict)
        self.patience = patience

    def _evaluate_stopping_criteria(self, current: Tensor) -> tuple[bool, str | None]:
        stop, reason = super()._evaluate_stopping_criteria(current)
        self.stopped = stop
        return stop, reason
