"""The base of every image data set."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.predictions import Table, classified
from datamodules.base.data_module import DataModule
from datamodules.base.splitting import stratified_split
from datamodules.batches import ImageBatch
from datamodules.images.augmentation import Augmentation, Normalization
from datamodules.images.image_files import decode, find_pictures
from datamodules.images.loader import BatchLoader
from datamodules.images.streaming import PictureFiles
from datamodules.images.synthetic import CLASS_NAMES as SYNTHETIC_CLASSES
from datamodules.images.synthetic import synthetic_images


@dataclass
class Split:
    """Images uint8 [N, H, W, C], in memory or on disk, and their classes int64 [N]."""

    images: Tensor | PictureFiles
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, index: Tensor | slice) -> "Split":
        """Returns a selection, by places, by a mask or by a slice."""
        places = torch.arange(len(self))[index]
        in_memory = isinstance(self.images, Tensor)  # copied image by image, which [index] would do pixel by pixel
        images = self.images.index_select(0, places) if in_memory else self.images.take(places)
        return Split(images, self.targets[places])


class ImageDataModule(DataModule):
    """Images, split and handed out in whole batches; decoded once into memory unless `read` leaves them on disk.

    A subclass names the data set in the class attributes below and reads it in `read`.

    Args:
        data_dir: Folder of the data set.
        source: `auto` reads `data_dir` and downloads what is absent; `synthetic` draws pictures instead.
        batch_size: Images an optimizer step, over all devices together.
        eval_batch_size: Images a batch in validation, test and prediction; changes speed only.
        val_size: Training images set aside for validation, equally many of each class; 0 trains on all.
        split_seed: Seed of that choice, apart from the run's seed so that all runs share one split.
        augmentation: What may happen to a training image.
        normalization: How pixels are scaled: per channel, to [-1, 1], to [0, 1], or not at all.
    """

    name: str
    unit = "images"
    stand_in = "pictures"
    class_names: tuple[str, ...]
    num_classes: int
    in_channels: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train_size: int
    splits: dict[str, Split]

    def __init__(
        self,
        data_dir: str,
        source: Literal["auto", "synthetic"],
        batch_size: int,
        eval_batch_size: int,
        val_size: int,
        split_seed: int,
        augmentation: Augmentation,
        normalization: Literal["channel", "symmetric", "unit", "none"],
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        if val_size < 0:
            raise InputError(f"data.val_size is {val_size}: at least 0 is needed")
        for name, most in (("crop_padding", self.image_size - 1), ("cutout", self.image_size)):
            if (value := getattr(augmentation, name)) > most:
                raise InputError(f"data.augmentation.{name} is {value}: at most {most} is possible")
        for name in ("rotation", "scale", "shear", "elastic"):
            if getattr(augmentation, name) and self.image_size == 1:
                raise InputError(f"data.augmentation.{name}: an image of 1 pixel has nothing to turn or distort")
        self.val_size = val_size
        self.split_seed = split_seed
        self.augmentation = augmentation
        self._scaling = normalization
        if source == "synthetic":
            self.class_names = SYNTHETIC_CLASSES[: self.num_classes]

    @abstractmethod
    def read(self) -> dict[str, Split]:
        """Reads, or downloads and reads, the data set's own parts `train`, `test` and, if it has one, `val`.

        Sets `origin`, and `mean` and `std` where they are not known before.
        """

    @property
    def normalization(self) -> Normalization:
        """How pixels are scaled."""
        return Normalization(self._scaling, self.mean, self.std)

    def synthesize(self) -> dict[str, Split]:
        """Draws pictures in place of the data set: a fifth of CIFAR-10's number, so that first runs are short."""
        shape = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        return {
            "train": Split(*synthetic_images(10_000, seed=1, **shape)),
            "test": Split(*synthetic_images(2_000, seed=2, **shape)),
        }

    def split_off(self, part: Split, val_size: int) -> tuple[Split, Split]:
        """Splits the training images into those to train on and a validation set of `val_size`."""
        return stratified_split(part, val_size, self.num_classes, self.split_seed)

    def load(self) -> dict[str, Split]:
        """Reads or draws the images, and sets those for validation aside where the data set has not done so."""
        parts = self.synthesize() if self.source == "synthetic" else self.read()
        if "val" in parts:
            return parts
        total = len(parts["train"])
        # The synthetic stand-in is smaller than the data set; its validation split shrinks in proportion.
        val_size = self.val_size * total // max(total, self.train_size) if self.source == "synthetic" else self.val_size
        if val_size > total - self.num_classes:
            raise InputError(f"data.val_size is {self.val_size}: too large for {total:,} training images")
        train, val = self.split_off(parts["train"], val_size)
        return {"train": train, "val": val, "test": parts["test"]}

    def train_dataloader(self) -> BatchLoader:
        """Loader of the training split, at the batch where a resumed run goes on."""
        self.check_shares()
        return self.resumed(self._loader("train", self.batch_size, self.trainer.seed, self.augmentation))

    def val_dataloader(self) -> BatchLoader | list:
        """Loader of the validation split; an empty list, which Lightning skips, where there is none."""
        return self._loader("val", self.eval_batch_size) if len(self.splits["val"]) else []

    def test_dataloader(self) -> BatchLoader:
        """Loader of the official test set, in file order."""
        return self._loader("test", self.eval_batch_size)

    def predict_dataloader(self) -> BatchLoader:
        """Loader of `inputs`, files or folders of pictures, else of the test set."""
        if not self.inputs:
            return self.test_dataloader()
        files = [Path(name) for name in self.prediction_names()]
        images = decode(files, self.image_size, self.in_channels, resize=True)
        self.splits["predict"] = Split(images, torch.full((len(files),), -1))
        return self._loader("predict", self.eval_batch_size)

    def images_of(self, part: str, places: Tensor) -> Tensor:
        """Returns images of a part as they are stored, uint8 [N, H, W, C], by their places int64 [N]."""
        return self.splits[part].images[places]

    def sample(self, n: int) -> Tensor:
        """Returns the first n training images (or all), normalised but not augmented, float32 [n, C, H, W]."""
        return self.normalization(self.splits["train"].images[:n].float()).permute(0, 3, 1, 2)

    def prediction_names(self) -> list[str]:
        """Names of what `predict` predicts: files, or places in the test set."""
        if self.inputs:
            return [str(path) for path in find_pictures(self.inputs)]
        return [f"test[{place}]" for place in range(len(self.splits["test"]))]

    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns the classes that probabilities [N, K] speak for."""
        return classified("file", names, outputs, self.class_names)

    def _loader(
        self, name: str, batch_size: int, seed: int | None = None, augmentation: Augmentation | None = None
    ) -> BatchLoader:
        split, trainer = self.splits[name], self.trainer
        self.check_enough(len(split), f"images of the {name} split")
        if isinstance(split.images, Tensor) and self.may_live_on_device(split.images.nbytes):
            device = trainer.strategy.root_device
            split = Split(split.images.to(device), split.targets.to(device))
        rank, world_size = trainer.global_rank, trainer.world_size
        return self.keep(
            name, BatchLoader(split.images, split.targets, batch_size, seed, augmentation, rank, world_size)
        )

    def on_after_batch_transfer(self, batch: ImageBatch, dataloader_idx: int) -> ImageBatch:
        """Augments (in training only) and normalises the whole batch on its device.

        Args:
            batch: uint8 images [B, H, W, C].
            dataloader_idx: Unused; Lightning's signature.

        Returns:
            float32 images [B, C, H, W], laid out channels last where the trainer asks for it.
        """
        images = self.augmentation.move(batch.images, batch.draws).float()
        images = self.normalization(self.augmentation.recolour(images, batch.draws))
        images = self.augmentation.cut(images, batch.draws).permute(0, 3, 1, 2)
        images = images.to(self.trainer.lightning_module.dtype)  # float32 but for the "true" precisions
        if not self.trainer.channels_last:
            images = images.contiguous()
        return ImageBatch(images, batch.targets, batch.index, {})
