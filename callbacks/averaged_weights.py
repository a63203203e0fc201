"""Averages of weights lie on the device that trains."""

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging


class AveragedWeights(Callback):
    """Moves averages to the device of the model, unless their callback was given another.

    Lightning copies the model before it moves it to a GPU: every update of averages left behind would copy all weights
    to the CPU, and wait for each.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Moves them; a checkpoint's are restored by now."""
        for callback in averaging_callbacks(trainer):
            if callback._device is None:
                callback._average_model.to(pl_module.device)


def averaging_callbacks(trainer: Trainer) -> list[WeightAveraging]:
    """Returns the callbacks that keep moving averages of the model."""
    return [callback for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]
