"""Says that a network has stopped learning: the gradient of every weight is exactly 0."""

from collections.abc import Iterable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from core.terminal.console import print_line


class ZeroGradients(Callback):
    """Says once in a fit that only biases still have a gradient.

    This is how a network looks whose ReLUs give 0 for every sample: the loss stays where it is, and no later step can
    change that. A fit of the samples so close that no gradient is left for the biases either is not meant.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets what an earlier fit said."""
        self._is_said = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Looks at the gradients of an epoch's last batch: before a validation Lightning drops them."""
        if batch_idx + 1 != trainer.num_training_batches or self._is_said:
            return
        weights, others = [], []
        for parameter in pl_module.parameters():
            if parameter.grad is not None:
                (weights if parameter.ndim > 1 else others).append(parameter.grad)
        if weights and not _are_some(weights) and _are_some(others):
            self._is_said = True
            print_line(
                f"note     in the last batch of epoch {trainer.current_epoch} the gradient of every weight was 0, only "
                "biases learn: where ReLUs give 0 for all samples, no later step changes that; try another seed, a "
                "smaller learning rate or other initial weights"
            )


def _are_some(gradients: Iterable[Tensor]) -> bool:
    """Returns whether any of them is not 0; the first that is ends the search, since each one waits for the device."""
    return any(bool((one._values() if one.is_sparse else one).any()) for one in gradients)
