"""A new run whose first epoch makes no step: it would end as if it had learned something."""

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from core.errors import InputError


class MadeSteps(Callback):
    """Ends a run whose first epoch has had no loss to learn from; single batches may be left out.

    Steps of a model that optimizes manually are its own affair, and a run that goes on has made some.
    """

    def __init__(self) -> None:
        self.has_made = False  # whether this fit makes steps, as far as it is known

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins to look out for a loss."""
        self.has_made = trainer.goes_on or not pl_module.automatic_optimization

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Notes that there is one."""
        self.has_made = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends a run without one, before anything of it is saved.

        Raises:
            InputError: No batch has had a loss.
        """
        if self.has_made:
            return
        what = f"{type(pl_module).__name__}.training_step"
        if trainer.fit_loop.epoch_loop.batch_progress.current.started:
            raise InputError(f"{what} has returned no loss in a whole epoch, so that no step was made; return the loss")
        raise InputError(f"{what} was not called in a whole epoch: each batch was None, or left out")
