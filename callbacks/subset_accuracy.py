"""Accuracy on the first test images, for comparison with results that were measured on these alone."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from callbacks.description import classifies
from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.measures import Measure


class TestSubset(KeepsArguments, Callback):
    """Logs `test/acc_first_<n>` beside the accuracy on the whole test set.

    Args:
        first: Number n of images, in file order; nothing is logged if not given.
    """

    __test__ = False  # its name makes pytest take it for a test

    def __init__(self, first: int | None = None) -> None:
        if first is not None and first < 1:
            raise InputError(f"--test_subset.first {first}: at least 1 image is needed")
        self.first = first
        name = f"acc_first_{first}"
        self.measures = () if first is None else (Measure(name, "max", unit="%", digits=2, words="accuracy"),)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts to count.

        Raises:
            InputError: What is tested is not classified.
        """
        if self.first is not None and not classifies(trainer, pl_module):
            raise InputError(f"--test_subset.first {self.first}: {type(pl_module).__name__} has no accuracy")
        self._totals = torch.zeros(2, device=pl_module.device)  # right, seen

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Counts the batch's images that are among the first."""
        if self.first is not None:
            among = batch.index < self.first
            right = (outputs.argmax(1) == batch.targets) & among
            self._totals += torch.stack([right.sum(), among.sum()])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Logs the accuracy over all devices."""
        if self.first is not None:
            right, seen = trainer.strategy.reduce(self._totals, reduce_op="sum").tolist()
            pl_module.log(f"test/acc_first_{self.first}", right / max(1.0, seen), rank_zero_only=True)
