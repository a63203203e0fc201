"""Augmentation of whole batches of images, on their device."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from core.randomness import generator
from datamodules.images.geometry import ELASTIC_POINTS, flip_and_shift, warp

DISTORTIONS = ("rotation", "scale", "shear", "elastic")  # changes by interpolation


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images; all are off by default.

    Args:
        flip: Mirror left-right: `random` with probability one half, or `alternating`, in which every image is
            mirrored every second time (Keller Jordan's airbench, 2024).
        crop_padding: Shift the image by up to this many pixels in both directions (a random crop of the padded image).
        crop_fill: Padding: the image reflected at its edge, or black.
        rotation: Rotate by an angle in [-rotation, rotation), in degrees.
        scale: Scale by a factor in [low, high).
        shear: Shear by an angle in [-shear, shear), in degrees; below 90.
        elastic: Elastic distortion: each of 5x5 points over the image is displaced by a normal distance of this
            standard deviation in pixels, down and across, with interpolation between them (after Simard et al., 2003).
        cutout: Side in pixels of a square that is set to 0 after normalisation, which is the mean colour with
            `normalization: channel` (DeVries and Taylor, 2017).
        brightness: Shift all pixels of an image by a value in [-brightness, brightness), in units of 0 to 255.
        contrast: Scale each channel about its mean by a factor in [low, high). Nothing is clipped.
        first_sizes: Sides in pixels to which the images of the first epochs are shrunk at last, one an epoch, such as
            `[24, 24, 28]`; from then on they are whole (progressive resizing: Jeremy Howard for DAWNBench, 2018). For
            networks that take any size, such as VGG with `head: max`.
    """

    flip: Literal["none", "random", "alternating"] = "none"
    crop_padding: int = 0
    crop_fill: Literal["reflect", "black"] = "reflect"
    rotation: float = 0.0
    scale: tuple[float, float] | None = None
    shear: float = 0.0
    elastic: float = 0.0
    cutout: int = 0
    brightness: float = 0.0
    contrast: tuple[float, float] | None = None
    first_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("crop_padding", "rotation", "shear", "elastic", "cutout", "brightness"):
            if not 0 <= (value := getattr(self, name)) < math.inf:  # also false for nan
                raise InputError(f"data.augmentation.{name} is {value}: a number of at least 0 is needed")
        if self.shear >= 90:
            raise InputError(f"data.augmentation.shear is {self.shear}: an angle below 90 degrees is needed")
        if self.scale and not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise InputError(f"data.augmentation.scale is {list(self.scale)}: two factors above 0, the lower one first")
        if self.contrast and not 0 <= self.contrast[0] <= self.contrast[1] < math.inf:
            raise InputError(f"data.augmentation.contrast is {list(self.contrast)}: two factors, the lower one first")
        if any(size < 1 for size in self.first_sizes):
            raise InputError(f"data.augmentation.first_sizes is {list(self.first_sizes)}: at least 1 pixel is needed")

    @property
    def distorts(self) -> bool:
        """Whether images are turned, scaled, sheared or distorted, as handwriting varies."""
        return any(getattr(self, name) for name in DISTORTIONS)

    def draw(self, n: int, seed: int, epoch: int, seen: int | Tensor) -> dict[str, Tensor]:
        """Draws the augmentation parameters of n images for one epoch.

        Args:
            n: Number of images in the split.
            seed: Seed of the run.
            epoch: Epoch, from 0.
            seen: How often images were trained on before: all of them, or each, int32 [n].

        Returns:
            Tensors of length n by name.
        """
        rng = generator(seed, "augmentation", epoch)
        draws: dict[str, Tensor] = {}
        if self.flip == "random":
            draws["flip"] = torch.rand(n, generator=rng) < 0.5
        elif self.flip == "alternating":
            coin = torch.rand(n, generator=generator(seed, "alternating flip")) < 0.5  # the same in every epoch
            draws["flip"] = coin ^ torch.as_tensor(seen % 2).bool()
        if self.crop_padding:
            shape = (n, 2)
            draws["shift"] = torch.randint(-self.crop_padding, self.crop_padding + 1, shape, generator=rng)
        if self.rotation:
            draws["rotation"] = (torch.rand(n, generator=rng) * 2 - 1) * self.rotation
        if self.scale:
            low, high = self.scale
            draws["scale"] = low + torch.rand(n, generator=rng) * (high - low)
        if self.shear:
            draws["shear"] = (torch.rand(n, generator=rng) * 2 - 1) * self.shear
        if self.elastic:
            draws["elastic"] = torch.randn(n, 2, ELASTIC_POINTS, ELASTIC_POINTS, generator=rng) * self.elastic
        if self.cutout:
            draws["cutout"] = torch.rand(n, 2, generator=rng)
        if self.brightness:
            draws["brightness"] = (torch.rand(n, generator=rng) * 2 - 1) * self.brightness
        if self.contrast:
            low, high = self.contrast
            draws["contrast"] = low + torch.rand(n, generator=rng) * (high - low)
        return draws

    def check_size(self, image_size: int) -> None:
        """Checks that images of a size can be augmented.

        Raises:
            InputError: They are too small for the settings.
        """
        for name, most in (("crop_padding", image_size - 1), ("cutout", image_size)):
            if (value := getattr(self, name)) > most:
                raise InputError(f"data.augmentation.{name} is {value}: at most {most} is possible")
        if any(size > image_size for size in self.first_sizes):
            sizes = list(self.first_sizes)
            raise InputError(
                f"data.augmentation.first_sizes is {sizes}: images have {image_size} pixels, and none grow"
            )
        for name in DISTORTIONS:
            if getattr(self, name) and image_size == 1:
                raise InputError(f"data.augmentation.{name}: an image of 1 pixel has nothing to turn or distort")

    def move(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Applies the geometric changes: flip and shift alone by copying rows, which is exact; others by interpolation.

        Args:
            images: [B, H, W, C], any type.
            draws: Parameters of these images, from `draw`.

        Returns:
            [B, H, W, C], of the same type; float32 if interpolated.
        """
        if any(name in draws for name in DISTORTIONS):
            return warp(images, draws, self.crop_fill)
        if "flip" not in draws and "shift" not in draws:
            return images
        return flip_and_shift(images, draws, self.crop_padding, self.crop_fill)

    def recolour(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Changes brightness, then contrast.

        Args:
            images: float32 [B, H, W, C] in 0 to 255.
            draws: Parameters of these images, from `draw`.

        Returns:
            float32 [B, H, W, C], not clipped to 0 to 255.
        """
        if "contrast" not in draws:
            return images + draws["brightness"][:, None, None, None] if "brightness" in draws else images
        b, _, w, c = images.shape
        rows = images.flatten(2)  # [B, H, W * C]: loops over C alone would be too short to be fast
        mean = rows.mean(1).view(b, w, c).mean(1)  # [B, C]
        factor = draws["contrast"][:, None]
        offset = mean * (1 - factor)
        if "brightness" in draws:
            offset = offset + draws["brightness"][:, None]
        return torch.addcmul(offset.repeat(1, w)[:, None], rows, factor[..., None]).view_as(images)

    def cut(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Sets a square to 0 (cutout); it may extend beyond the image.

        Args:
            images: float32 [B, H, W, C], normalised.
            draws: Parameters of these images, from `draw`.

        Returns:
            float32 [B, H, W, C].
        """
        if "cutout" not in draws:
            return images
        _, h, w, _ = images.shape
        inside = []
        for axis, size in enumerate((h, w)):
            first = (draws["cutout"][:, axis] * size).long() - self.cutout // 2  # [B]
            place = torch.arange(size, device=images.device)
            inside.append((place >= first[:, None]) & (place < first[:, None] + self.cutout))
        square = inside[0][:, :, None] & inside[1][:, None, :]  # [B, H, W]
        return images.masked_fill(square[..., None], 0)

    def shrinks_in(self, epoch: int) -> bool:
        """Returns whether the images of an epoch, from 0, may be smaller."""
        return epoch < len(self.first_sizes)

    def shrink(self, images: Tensor, epoch: int) -> Tensor:
        """Shrinks the images of the first epochs, by bilinear interpolation over all pixels (antialias).

        Args:
            images: float32 [B, C, H, W].
            epoch: Epoch, from 0.

        Returns:
            float32 [B, C, size, size], in the same layout; the images themselves after the first epochs.
        """
        if not self.shrinks_in(epoch) or self.first_sizes[epoch] == images.shape[-1]:
            return images
        size = self.first_sizes[epoch]
        return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
