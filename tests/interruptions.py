"""What ends a run at a chosen moment, as far as one process can have it, or keeps what an end would leave."""

import shutil
from pathlib import Path
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


class FolderCopies(Callback):
    """Copies a run's folder at some moments: what a kill would leave there, without a run that is ended for it.

    Args:
        steps: Where the copy goes, by optimizer steps in whose middle it is made, before anything of them is saved.
        validations: Likewise, of validations by the optimizer steps that come before them.
    """

    def __init__(self, steps: dict[int, Path], validations: dict[int, Path] | None = None) -> None:
        self.steps, self.validations = {**steps}, {**(validations or {})}

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        self._copy(trainer, self.steps)

    def on_validation_batch_end(self, trainer: Trainer, *_: object) -> None:
        self._copy(trainer, self.validations)

    def _copy(self, trainer: Trainer, places: dict[int, Path]) -> None:
        if place := places.pop(trainer.global_step, None):
            shutil.copytree(trainer.run_folder.path, place)
