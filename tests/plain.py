"""Modules and data written as another package writes them, without any knowledge of this project."""

from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, IterableDataset, TensorDataset


class PlainModule(LightningModule):
    """A regression that logs as Lightning's own examples do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 1), nn.BatchNorm1d(1))

    def _loss(self, batch: list[Tensor]) -> Tensor:
        inputs, targets = batch
        return (self.net(inputs) - targets).square().mean()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> dict[str, Any]:
        """Returns a dictionary."""
        loss = self._loss(batch)
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return {"loss": loss, "batch": batch_idx}

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss."""
        self.log("val_loss", self._loss(batch))

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss."""
        self.log("test_loss", self._loss(batch))

    def configure_optimizers(self) -> optim.Optimizer:
        """Returns an optimizer."""
        return optim.Adam(self.parameters(), 0.01)


class PlainPlayers(PlainModule):
    """Two optimizers and manual optimization; a step returns nothing, or losses by name."""

    def __init__(self, returns: bool = False) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.returns = returns

    def training_step(self, batch: list[Tensor], batch_idx: int) -> dict[str, Tensor] | None:
        """Steps with both optimizers."""
        losses = {}
        for name, optimizer in zip(("first", "second"), self.optimizers(), strict=True):
            loss = losses[f"loss_{name}"] = self._loss(batch)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        self.log_dict(losses)
        return {name: loss.detach() for name, loss in losses.items()} if self.returns else None

    def configure_optimizers(self) -> list[optim.Optimizer]:
        """Returns one optimizer a layer."""
        return [optim.Adam(self.net[0].parameters(), 0.01), optim.SGD(self.net[1].parameters(), 0.1)]


class PlainData(LightningDataModule):
    """40 samples to train on, 16 to validate, 24 to test, in torch's own loaders.

    Args:
        endless: Whether training samples come from a stream without a length.
    """

    def __init__(self, endless: bool = False) -> None:
        super().__init__()
        self.endless = endless

    def _loader(self, n: int) -> DataLoader:
        inputs = torch.randn(n, 4, generator=torch.Generator().manual_seed(n))
        samples = TensorDataset(inputs, inputs.sum(1, keepdim=True))
        return DataLoader(Stream(samples) if self.endless and n == 40 else samples, batch_size=8)

    def train_dataloader(self) -> DataLoader:
        """Returns five batches."""
        return self._loader(40)

    def val_dataloader(self) -> list[DataLoader]:
        """Returns two batches."""
        return [self._loader(16)]

    def test_dataloader(self) -> DataLoader:
        """Returns three batches."""
        return self._loader(24)


class Stream(IterableDataset):
    """Samples one after the other.

    Args:
        samples: The samples.
    """

    def __init__(self, samples: TensorDataset) -> None:
        self.samples = samples

    def __iter__(self) -> Any:
        """Yields them."""
        yield from self.samples
