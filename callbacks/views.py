"""Predictions averaged over several views of each image."""

from typing import Any

import torch.nn.functional as F
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.protocols.general import HasViews
from core.protocols.pictures import HasImages
from datamodules.base.data_module import DataModule


class Views(KeepsArguments, Callback):
    """Averages a classifier's logits over mirrored and shifted views of each image, once it is trained.

    It acts in `validate`, `test` and `predict`; within `fit`, validation sees each image once. (Airbench's test-time
    augmentation: Keller Jordan, 2024, arXiv:2404.00498.)

    Args:
        flip: Take the mirror image in, too.
        shift: Take the images in that are moved by so many pixels down and to the right, and up and to the left, each
            at half the weight of the unmoved one; what moves in is the image mirrored at its edge.
    """

    def __init__(self, flip: bool = False, shift: int = 0) -> None:
        if shift < 0:
            raise InputError(f"--views.shift {shift}: cannot be negative")
        self.flip = flip
        self.shift = shift

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the model its views, or takes them away.

        Raises:
            InputError: There are no images, or they are too small to be shifted so far.
        """
        if self.flip or self.shift:
            self._check(trainer.datamodule, pl_module)
        if isinstance(pl_module, HasViews):
            pl_module.views = self.of if self.acts_in(stage) else None

    def acts_in(self, stage: str) -> bool:
        """Returns whether images are seen in several views in a stage."""
        return (self.flip or self.shift > 0) and stage != "fit"

    def _check(self, data: Any, pl_module: LightningModule) -> None:
        if not isinstance(data, HasImages):
            name = data.name if isinstance(data, DataModule) else type(data).__name__
            raise InputError(f"--views: these are for images, and {name} has none")
        if self.shift >= data.image_size:
            raise InputError(f"--views.shift {self.shift}: the images have {data.image_size} pixels a side")
        if not isinstance(pl_module, HasViews):
            raise InputError(f"--views: {type(pl_module).__name__} cannot average over views of an image")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Takes the views away."""
        if isinstance(pl_module, HasViews):
            pl_module.views = None

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Takes the views away."""
        self.teardown(trainer, pl_module, "")

    def of(self, images: Tensor) -> list[tuple[float, Tensor]]:
        """Returns views with their weights, which add up to 1.

        Args:
            images: [B, C, H, W].
        """
        views = [(1.0, images)]
        if self.shift:
            h, w = images.shape[2:]
            padded = F.pad(images, (self.shift,) * 4, "reflect")
            first, last = padded[..., :h, :w], padded[..., -h:, -w:]
            views = [(0.5, images), (0.25, first), (0.25, last)]
        if self.flip:
            views = [(weight / 2, way) for weight, view in views for way in (view, view.flip(-1))]
        return views
