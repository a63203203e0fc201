"""Splits of image data sets: images without labels, and with classes."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from datamodules.base.split import Split
from datamodules.batches import ImageBatch, UnlabelledImageBatch
from datamodules.images.streaming import PictureFiles


@dataclass
class Images(Split):
    """Images without labels. A subclass adds labels, and returns them in batches.

    Attributes:
        images: uint8 [N, H, W, C], in memory or on disk.
    """

    images: Tensor | PictureFiles

    def batch(self, images: Tensor, index: Tensor, draws: dict[str, Tensor]) -> NamedTuple:
        """Returns a batch with fields `images`, `index` and `draws`.

        Args:
            images: The images of the batch, uint8 [B, H, W, C].
            index: Their indices in the split, int64 [B].
            draws: Their augmentation parameters, tensors of length B by name.
        """
        return UnlabelledImageBatch(images, index, draws)


@dataclass
class ClassifiedImages(Images):
    """Images and their classes.

    Attributes:
        images: uint8 [N, H, W, C], in memory or on disk.
        targets: Class of each image, int64 [N].
    """

    targets: Tensor

    def batch(self, images: Tensor, index: Tensor, draws: dict[str, Tensor]) -> ImageBatch:
        """Returns a batch of images and their classes."""
        return ImageBatch(images, self.targets.index_select(0, index), index, draws)
