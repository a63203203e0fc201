"""The smallest forms of data, model and trainer that behave like the real ones."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule

from datamodules.base.data_module import Source
from datamodules.batches import ImageBatch
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.loader import ImageLoader
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import CLASS_NAMES
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.pictures import drawn_once


class GappedLoader(ImageLoader):
    """A loader whose first batch is None, and the first after a resume, too."""

    def __iter__(self) -> Iterator[Any]:
        """Yields the batches."""
        for number, batch in enumerate(super().__iter__()):
            yield batch if number else None


class TinyDataModule(ImageClassificationDataModule):
    """240 synthetic pictures of 16x16 pixels to train on, 40 to validate, 50 to test."""

    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    train_size = 280
    drawn = (280, 50)  # pictures to train on, validation included, and to test on
    name = "tiny pictures"
    class_names = ("disc", "ring", "square", "triangle", "cross")
    num_classes, in_channels, image_size = 5, 3, 16

    def __init__(
        self,
        batch_size: int = 40,
        eval_batch_size: int = 16,
        val_size: int = 40,
        source: Source = "synthetic",
        **settings: Any,
    ) -> None:
        super().__init__(
            source=source, batch_size=batch_size, eval_batch_size=eval_batch_size, val_size=val_size, **settings
        )

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Draws the pictures."""
        shape = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        pictures, n = ClassifiedImages(*drawn_once(sum(self.drawn), seed=0, **shape)), self.drawn[0]
        return {"train": pictures.take(slice(n)), "test": pictures.take(slice(n, None))}

    read = synthesize


class Gaps(TinyDataModule):
    """The same, of whose training batches the first that is read is None, as another package's loader may give one."""

    def train_dataloader(self) -> GappedLoader:
        """Returns such a loader."""
        loader = super().train_dataloader()
        loader.__class__ = GappedLoader
        return loader

    def on_after_batch_transfer(self, batch: ImageBatch | None, dataloader_idx: int) -> Any:
        """Leaves None as it is: Lightning's own loop asks for that, too."""
        return batch if batch is None else super().on_after_batch_transfer(batch, dataloader_idx)


class SizedDataModule(TinyDataModule):
    """Twenty synthetic pictures a part, of any size, in any number of classes up to ten."""

    drawn = (20, 20)

    def __init__(self, num_classes: int = 5, in_channels: int = 3, image_size: int = 16, batch_size: int = 10) -> None:
        self.num_classes, self.in_channels, self.image_size = num_classes, in_channels, image_size
        self.class_names = CLASS_NAMES[:num_classes]
        self.mean, self.std = (0.5,) * in_channels, (0.25,) * in_channels
        super().__init__(batch_size=batch_size, val_size=0)


def tiny_vgg(**changes: object) -> VGG:
    """Returns a VGG with dropout and batch norm, small enough to train in a moment."""
    torch.manual_seed(0)
    settings = {"num_classes": 5, "image_size": 16, "widths": [8, 8], "convolutions": [1, 1], "dropout": 0.2}
    return VGG(**settings | changes)


def tiny_trainer(root: Path, **changes: object) -> Trainer:
    """Returns a trainer in float32 that keeps its run under `root`."""
    settings = {"default_root_dir": root, "accelerator": "cpu", "devices": 1, "precision": "32-true", "max_epochs": 2}
    return Trainer(**settings | changes)


# A config of the two above, for tests of the command.
TINY_CONFIG = """\
model:
  class_path: lightning_modules.VGG
  init_args:
    widths: [8, 8]
    convolutions: [1, 1]
    dropout: 0.2
    optimizer:
      class_path: torch.optim.SGD
      init_args: {lr: 0.05, momentum: 0.9}
    lr_scheduler:
      class_path: lightning_modules.schedules.WarmupCosine
data:
  class_path: tests.tiny.TinyDataModule
  init_args:
    augmentation: {flip: random, crop_padding: 2, cutout: 4, brightness: 20, contrast: [0.8, 1.2]}
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 3
"""


class Slow(Callback):
    """Makes every step take a while, so that a test can strike in the middle of it.

    Args:
        seconds: How long a step takes at least.
    """

    def __init__(self, seconds: float = 0.05) -> None:
        self.seconds = seconds

    def on_train_batch_end(self, *_: object) -> None:
        """Waits."""
        time.sleep(self.seconds)


class WeightsOfRanks(Callback):
    """Keeps the weights of each process at the beginning of each epoch, in the run's folder."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves them."""
        place = trainer.run_folder.path / f"weights-{trainer.global_rank}-{trainer.current_epoch}.pt"
        torch.save({k: v for k, v in pl_module.state_dict().items() if "_metrics." not in k}, place)


def weights_of_ranks(run: Path, epoch: int) -> list[dict[str, torch.Tensor]]:
    """Returns the weights of each of two processes at the beginning of an epoch, as `WeightsOfRanks` has kept them."""
    return [torch.load(run / f"weights-{rank}-{epoch}.pt", weights_only=True) for rank in range(2)]


class PoisonOnRankOne(Callback):
    """Puts a NaN into a batch of the second process alone."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: VGG, batch: ImageBatch, batch_idx: int) -> None:
        """Spoils the third batch."""
        if trainer.global_rank == 1 and trainer.global_step == 2:
            batch.images[0] = torch.nan
