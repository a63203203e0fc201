"""What ends a run at a chosen moment, as far as one process can have it."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.batches import ImageBatch


class PulledPlug(Exception):
    """The end of a process, as far as one process can have it."""


class PullPlug(Callback):
    """Ends a run in the middle of a step, before anything of it is saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: ImageBatch, batch_idx: int
    ) -> None:
        if trainer.global_step == self.step:
            raise PulledPlug


class PullPlugInValidation(Callback):
    """Ends a run while it validates.

    Args:
        step: Optimizer steps that it has made by then.
    """

    def __init__(self, step: int) -> None:
        self.step = step

    def on_validation_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            raise PulledPlug
