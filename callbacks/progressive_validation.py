"""Accuracy and loss on each training batch just before the network learns from it."""

from dataclasses import replace
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from callbacks.description import classifies
from core.errors import InputError
from core.evaluation_mode import evaluation_mode
from core.measures import Measure
from core.processes.peers import take_buffers_of_first
from lightning_modules.tasks.metrics import RunningMetrics
from lightning_modules.tasks.task import Task

STATE = "progressive_validation"  # its name in checkpoints


class ProgressiveValidation(Callback):
    """Logs `train/acc_before` and `train/loss_before`: means over an epoch, in evaluation mode, before each update.

    Dropout is off, as in validation; images are augmented as in training. Within the first epoch a network has seen
    none of what it is measured on, so that no data need be set aside (progressive validation: Blum, Kalai and Langford,
    1999); the mean has the untrained network in it, too. Each batch takes one more forward pass. It changes no weight
    and no random draw.
    """

    def __init__(self) -> None:
        self.measures: tuple[Measure, ...] = ()  # those of the model, once it is known
        self._metrics: RunningMetrics | None = None
        self._restored: dict[str, Any] | None = None  # sums of an epoch that a resumed run is in

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Takes up the model's measures.

        Raises:
            InputError: The model classifies nothing.
        """
        if stage != "fit":
            return
        if not isinstance(pl_module, Task) or not classifies(trainer, pl_module):
            raise InputError(f"ProgressiveValidation: {type(pl_module).__name__} has no accuracy")
        self.measures = tuple(
            replace(measure, name=f"{measure.name}_before", words=f"{measure.words or measure.name} before each update")
            for measure in pl_module.measures
        )

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes up the sums of the epoch that a resumed run is in, for the first process; the others start from 0."""
        self._restored = checkpoint.get(STATE) if trainer.is_global_zero else None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts to sum, from where a resumed run was."""
        self._metrics = pl_module.metrics_type(persistent=True)
        if self._restored is not None:
            self._metrics.load_state_dict(self._restored)
            self._restored = None
        self._metrics.to(pl_module.device)  # last: a metric takes the device of what it has loaded

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts anew; not called when a run resumes within an epoch, whose sums continue."""
        self._metrics.reset()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Measures the batch that is about to be used, with the buffers of the first process, as a validation does."""
        take_buffers_of_first(trainer.strategy.model)
        with evaluation_mode(pl_module), torch.no_grad(), trainer.precision_plugin.val_step_context():
            pl_module.evaluate(batch, self._metrics)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Logs the means over all devices."""
        figures = self._metrics.compute()
        pl_module.log_dict({f"train/{name}_before": value for name, value in figures.items()})

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the sums over all processes."""
        if self._metrics is not None:
            sums = {name: value.clone() for name, value in self._metrics.state_dict().items()}
            if trainer.world_size > 1:
                sums = {name: trainer.strategy.reduce(value, reduce_op="sum") for name, value in sums.items()}
            checkpoint[STATE] = sums
