"""Ordinary models: each configures its optimizers in another of the ways that Lightning allows."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torchvision.models import resnet18


class Net(LightningModule):
    """A small network with dropout, for batches `(x, y)`."""

    def __init__(
        self,
        lr: float = 0.05,
        optimizers: Literal["one", "list", "two lists", "scheduler", "plateau", "nothing"] = "one",
        explode_at: int | None = None,
    ) -> None:
        super().__init__()
        self.lr = lr
        self.optimizers_as = optimizers
        self.explode_at = explode_at
        self.conv = nn.Conv2d(3, 8, 3)
        self.head = nn.Linear(8 * 14 * 14, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).relu()
        x = F.dropout(x.view(x.size(0), -1), 0.2, self.training)  # needs the usual layout of memory
        return self.head(x)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        if batch_idx == self.explode_at:
            loss = loss * float("nan")
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        x, y = batch
        logits = self(x)
        self.log("val_loss", F.cross_entropy(logits, y), prog_bar=True)
        self.log("val_accuracy", (logits.argmax(1) == y).float().mean())

    def test_step(self, batch: Any, batch_idx: int) -> dict:
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("test_loss", loss)
        return {"loss": loss}

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self(batch[0]).argmax(1)

    def configure_optimizers(self) -> Any:
        optimizer = SGD(self.parameters(), lr=self.lr, momentum=0.9)
        return {
            "one": optimizer,
            "list": [optimizer],
            "two lists": ([optimizer], [StepLR(optimizer, 1)]),
            "scheduler": {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": StepLR(optimizer, 2), "interval": "step"},
            },
            "plateau": {"optimizer": optimizer, "lr_scheduler": ReduceLROnPlateau(optimizer), "monitor": "val_loss"},
            "nothing": None,
        }[self.optimizers_as]


class Sized(Net):
    """A network that is told its number of classes, and logs nothing."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(8 * 14 * 14, num_classes)

    def log(self, *_: Any, **__: Any) -> None:
        """Logs nothing."""


class Remembering(Net):
    """A network whose checkpoints hold its arguments."""

    def __init__(self, lr: float = 0.05, **other: Any) -> None:
        super().__init__(lr, **other)
        self.save_hyperparameters()


class TwoPlayers(LightningModule):
    """A generator and a discriminator with an optimizer each, by manual optimization."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Linear(4, 3 * 16 * 16)
        self.discriminator = nn.Linear(3 * 16 * 16, 1)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        real = batch[0].flatten(1)
        of_generator, of_discriminator = self.optimizers()
        made = self.generator(torch.randn(len(real), 4))
        loss = F.softplus(self.discriminator(made.detach()) - self.discriminator(real)).mean()
        self.step(of_discriminator, loss, "loss_d")
        self.step(of_generator, F.softplus(-self.discriminator(made)).mean(), "loss_g")

    def step(self, optimizer: Any, loss: Tensor, name: str) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.log(name, loss, prog_bar=True)

    def configure_optimizers(self) -> list:
        return [Adam(self.generator.parameters(), 1e-3), Adam(self.discriminator.parameters(), 1e-3)]


class Wrapped(Net):
    """torchvision's ResNet-18."""

    def __init__(self) -> None:
        super().__init__()
        self.net = resnet18(num_classes=5)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class OfTwoLoaders(Net):
    """A network that trains on two loaders together, and is tested on two."""

    def training_step(self, batch: dict, batch_idx: int) -> Tensor:
        return super().training_step(batch["first"], batch_idx) + super().training_step(batch["second"], batch_idx)

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> dict:
        return super().test_step(batch, batch_idx)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        return super().predict_step(batch, batch_idx)
