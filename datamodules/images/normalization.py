"""Normalisation of whole batches of images, and its inverse."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from core.errors import InputError

Scaling = Literal["channel", "symmetric", "unit", "none", "imagenet", "lite"]

# Mean and standard deviation of each channel that are the same for all data; one number stands for all channels.
FIXED: dict[Scaling, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "symmetric": ((0.5,), (0.5,)),
    "unit": ((0.0,), (1.0,)),
    "none": ((0.0,), (1 / 255,)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "lite": ((127 / 255,), (128 / 255,)),
}


@dataclass(frozen=True)
class Normalization:
    """Normalises pixels of 0 to 255: (pixel / 255 - shift) / scale.

    Args:
        kind: `channel` subtracts each channel's mean and divides by its standard deviation over the training set;
            `symmetric` gives [-1, 1]; `unit` gives [0, 1]; `none` keeps 0 to 255. `imagenet` takes the means and
            deviations of ImageNet, as torchvision's weights expect; `lite` is (pixel - 127) / 128, as those of
            EfficientNet-Lite do.
        mean: Means of the channels, in [0, 1].
        std: Standard deviations of the channels, in [0, 1].
    """

    kind: Scaling
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Normalises float32 [B, H, W, C] in 0 to 255."""
        factor, offset = self._constants(images.shape[2:], images.device)
        return torch.addcmul(offset, images.flatten(2), factor).view(images.shape)

    def check_channels(self, in_channels: int) -> None:
        """Checks that images with so many channels can be normalised.

        Raises:
            InputError: The normalisation is of colours, and the images are grey.
        """
        shift, _ = FIXED.get(self.kind, ((0.0,), ()))
        if len(shift) not in (1, in_channels):
            raise InputError(
                f"data.normalization {self.kind}: it is for images of {len(shift)} channels, not {in_channels}"
            )

    @cache  # noqa: B019 (few frozen objects; a copy to the device in every batch would make the device wait)
    def _constants(self, row: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns factor and offset for a row of pixels, each [W * C]."""
        shift, scale = FIXED.get(self.kind, (self.mean, self.std))
        shift, scale = torch.tensor(shift, device=device), torch.tensor(scale, device=device)
        return (1 / (scale * 255)).expand(row).flatten(), (-shift / scale).expand(row).flatten()

    def undo(self, images: Tensor) -> Tensor:
        """Converts normalised float32 [B, C, H, W] back to pixels, uint8 [B, H, W, C]."""
        images = images.permute(0, 2, 3, 1).float()
        zero, one = (self(images.new_full((1, 1, 1, images.shape[-1]), value)) for value in (0.0, 255.0))
        return ((images - zero) / (one - zero) * 255).round().clamp(0, 255).byte()
