"""A picture of how far back in time a recurrent network learns from."""

from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from callbacks.media.pictures import save_picture
from callbacks.media.plots import draw_gradient_flow

ROWS = 32  # pieces of text to average over


class GradientFlow(Checkpoint):
    """Draws `gradient_flow.png`: the gradient of a prediction with respect to the inputs before it, by distance.

    A gradient that vanishes with the distance cannot teach what far symbols mean, and one that explodes makes steps
    that are too long (Bengio, Simard and Frasconi, 1994). It is drawn for the network as it began and as it ended,
    where a network has `gradient_norms`.

    (Its base class makes Lightning call it before RunCheckpoint saves.)
    """

    def __init__(self) -> None:
        self.norms: dict[str, Tensor] = {}  # by distance

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measures a network that begins."""
        if trainer.optimizer_steps == 0 and hasattr(pl_module, "gradient_norms"):
            self.norms["before training"] = self._measure(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measures the network that has come of it, and draws both."""
        if hasattr(pl_module, "gradient_norms"):
            self.norms["after training"] = self._measure(trainer, pl_module)
            save_picture(trainer, "gradient_flow.png", draw_gradient_flow(self.norms))

    def _measure(self, trainer: Trainer, pl_module: LightningModule) -> Tensor:
        symbols = trainer.datamodule.sample(ROWS).to(pl_module.device)
        with torch.random.fork_rng(devices=[]), trainer.precision_plugin.forward_context():
            return pl_module.gradient_norms(symbols).cpu()

    def state_dict(self) -> dict[str, Any]:
        """Returns what has been measured."""
        return dict(self.norms)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up what a checkpoint's run has measured."""
        self.norms = dict(state_dict)
