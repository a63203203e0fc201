"""Says that a network has stopped learning: for an epoch no weight has had a gradient."""

from collections.abc import Iterable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from core.epochs import is_epoch_over
from core.terminal.console import print_line


class ZeroGradients(Callback):
    """Says once in a fit that the gradients of all weights are exactly 0, and only those of biases and norms are not.

    This is how a network looks whose ReLUs give 0 for every sample: the loss stays where it is, and no later step can
    change that. A single batch may be 0 by chance. So only an epoch whose last batch is leads to a look at each batch
    of the next one, which the first gradient ends. A fit of the samples so close that biases have no gradient either
    is not told of, nor is a network whose output has no bias.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets what an earlier fit said."""
        self._is_said = self._is_suspected = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Looks at the gradients of a batch: before a validation Lightning drops those of the last one."""
        if self._is_said or not (self._is_suspected or is_epoch_over(trainer)):
            return
        was_suspected, self._is_suspected = self._is_suspected, _are_of_biases_alone(pl_module)
        if was_suspected and self._is_suspected and is_epoch_over(trainer):
            self._is_said = True
            print_line(
                f"note     in epoch {trainer.current_epoch} the gradients of all weights were 0, and only biases or "
                "norms learn: where ReLUs give 0 for all samples, no later step changes that; try another seed, a "
                "smaller learning rate or other initial weights"
            )


def _are_of_biases_alone(model: LightningModule) -> bool:
    weights, others = [], []
    for parameter in model.parameters():
        if parameter.grad is not None:
            (weights if parameter.ndim > 1 else others).append(parameter.grad)
    return bool(weights) and not _are_some(weights) and _are_some(others)


def _are_some(gradients: Iterable[Tensor]) -> bool:
    """Returns whether any of them is not 0; the first that is ends the search, since each one waits for the device."""
    return any(bool((one._values() if one.is_sparse else one).any()) for one in gradients)
