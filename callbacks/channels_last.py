"""Stores convolution weights channels last, if the trainer asks for it."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class ChannelsLast(Callback):
    """Stores convolution weights in the memory layout of the batches, before anything copies the model."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Changes the memory format of four-dimensional weights; values and shapes stay."""
        if trainer.channels_last:
            pl_module.to(memory_format=torch.channels_last)
