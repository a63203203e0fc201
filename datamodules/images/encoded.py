"""The base of image data sets whose batches may hold features that a fixed network makes of the images."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from core.abstract_methods import left_to_subclasses
from core.errors import InputError
from core.protocols.encoding import Encoder
from datamodules.base.data_module import Source
from datamodules.base.sample_data_module import SampleDataModule
from datamodules.images.augmentation import Augmentation
from datamodules.images.features import PickedViews, Preparation, features_of
from datamodules.images.loader import Draws
from datamodules.images.normalization import Normalization
from datamodules.images.splits import Images


class EncodedDataModule(SampleDataModule):
    """Images, or features in their place while there is an encoder (`core.protocols.encoding.KeepsFeatures`).

    Its arguments are those of `DataModule`.
    """

    splits: dict[str, Images]
    augmentation: Augmentation
    normalization: Normalization

    def __init__(self, data_dir: str, source: Source, batch_size: int, eval_batch_size: int) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        self.encoder = None

    @property
    def encoder(self) -> Encoder | None:
        """The network whose features batches hold in place of pictures; None for pictures."""
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._encoded: dict[str, Images] = {}  # splits with its features

    @left_to_subclasses
    def prepare(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Augments and normalises images, uint8 [B, H, W, C], by their draws, to float32 [B, C, H, W]."""

    @property
    def draws_in_training(self) -> Draws | None:
        """What is drawn for training images in each epoch: their augmentation, or which of their views it is."""
        if self.encoder is None:
            return self.augmentation
        return PickedViews(self.encoder.views) if self.encoder.views else None

    def stored(self, name: str) -> Images:
        """Returns a split, with features in place of pictures if there is an encoder and they are worth keeping."""
        if self.encoder is None or name == "predict":
            return self.splits[name]
        if name not in self._encoded:
            for part in ("train", "val") if name in ("train", "val") else (name,):
                self._encoded[part] = self._encode(part)
        return self._encoded[name]

    def _encode(self, name: str) -> Images:
        split = self.splits[name]
        if not len(split):
            return split
        views = self.encoder.views if name == "train" else 0
        preparation = Preparation(self.prepare, str(self.normalization), self.augmentation, views)
        folder = None if self.source == "synthetic" else self.data_dir
        title = f"of {self.name} ({name}), once"
        return replace(split, images=features_of(split.images, self.encoder, preparation, folder, title))

    def check_encoding(self, views: int) -> None:
        """Checks that pictures are augmented if they are encoded in several views, and else not, and are always whole.

        Raises:
            InputError: They are the other way round, or are to be smaller in the first epochs.
        """
        if self.augmentation.first_sizes:
            raise InputError("data.augmentation.first_sizes: pictures that are encoded have one size; leave it out")
        if (self.augmentation != Augmentation()) != (views > 0):
            raise InputError(
                "data.augmentation: pictures that are encoded once stay as they are; leave it out, or give "
                "--features.views"
                if views == 0
                else f"features.views is {views}: without data.augmentation all views are the same"
            )

    def kept_features(self, batch: NamedTuple) -> NamedTuple:
        """Returns a batch of features that are kept, in the network's type, each in the view that is drawn for it."""
        features = batch.images
        if "view" in batch.draws:
            features = features[torch.arange(len(features), device=features.device), batch.draws["view"]]
        return batch._replace(images=features.to(self.trainer.lightning_module.dtype), draws={})
