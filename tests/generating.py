"""A tiny model that generates images, and a plain data module: written as another package would write them."""

from collections.abc import Iterator

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset

from core.media import Grid, to_pixels


class TinyGenerator(LightningModule):
    """Turns noise into grey images of 8x8 pixels.

    Args:
        shows: Whether it shows what it generates.
    """

    def __init__(self, shows: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.shows = shows
        self.layers = nn.Sequential(nn.Linear(3, 64), nn.BatchNorm1d(64), nn.Dropout(0.1), nn.Sigmoid())

    def forward(self, noise: Tensor) -> Tensor:
        """Returns images [B, 1, 8, 8] of noise [B, 3]."""
        return self.layers(noise).view(-1, 1, 8, 8)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Returns how far generated images are from those of the batch."""
        (images,) = batch
        loss = (self(torch.randn(len(images), 3)) - images).square().mean()
        self.log("distance", loss)
        return loss

    def configure_optimizers(self) -> optim.Optimizer:
        """Returns an optimizer."""
        return optim.Adam(self.parameters(), 0.1)

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterator[Grid]:
        """Yields a grid of ten images."""
        if self.shows:
            assert not self.training
            torch.randn(5)  # the state that training draws from is to stay as it is
            images = to_pixels(self(torch.randn(10, 3, generator=rng)))
            yield Grid(name="generated", step=step, images=images, columns=4)


class TinyNoise(LightningDataModule):
    """Forty images of noise."""

    def train_dataloader(self) -> DataLoader:
        """Returns five batches."""
        images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
        return DataLoader(TensorDataset(images), batch_size=8)
