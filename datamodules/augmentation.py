"""Augmentation and normalisation of a whole batch of images at once, on the device that holds it."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from engine.errors import InputError
from engine.randomness import generator


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; everything is off by default.

    Args:
        flip: Mirror left-right: `random` with probability one half, or `alternating`, in which every image is
            mirrored in every second epoch (Keller Jordan's airbench, 2024).
        crop_padding: Move the image by up to this many pixels in both directions.
        crop_fill: What moves in: the image mirrored at its edge, or black.
        cutout: Side in pixels of a square that is set to 0 after normalisation, which is the mean colour where channels
            are normalised (DeVries and Taylor, 2017).
        brightness: Shift all pixels of an image by a value in [-brightness, brightness), in units of 0 to 255.
        contrast: Scale each channel about its mean by a factor in [low, high). Nothing is clipped.
    """

    flip: Literal["none", "random", "alternating"] = "none"
    crop_padding: int = 0
    crop_fill: Literal["reflect", "black"] = "reflect"
    cutout: int = 0
    brightness: float = 0.0
    contrast: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("crop_padding", "cutout", "brightness"):
            if getattr(self, name) < 0:
                raise InputError(f"data.augmentation.{name} is {getattr(self, name)}: it cannot be negative")
        if self.contrast and not 0 <= self.contrast[0] <= self.contrast[1]:
            raise InputError(f"data.augmentation.contrast is {list(self.contrast)}: two factors, the lower one first")

    def draw(self, n: int, seed: int, epoch: int) -> dict[str, Tensor]:
        """Draws one epoch's augmentation of n images.

        Args:
            n: Number of images in the split.
            seed: Seed of the run.
            epoch: Epoch, from 0.

        Returns:
            Tensors of length n by name.
        """
        rng = generator(seed, "augmentation", epoch)
        draws: dict[str, Tensor] = {}
        if self.flip == "random":
            draws["flip"] = torch.rand(n, generator=rng) < 0.5
        elif self.flip == "alternating":
            coin = torch.rand(n, generator=generator(seed, "alternating flip")) < 0.5  # the same in every epoch
            draws["flip"] = coin ^ bool(epoch % 2)
        if self.crop_padding:
            shape = (n, 2)
            draws["shift"] = torch.randint(-self.crop_padding, self.crop_padding + 1, shape, generator=rng)
        if self.cutout:
            draws["cutout"] = torch.rand(n, 2, generator=rng)
        if self.brightness:
            draws["brightness"] = (torch.rand(n, generator=rng) * 2 - 1) * self.brightness
        if self.contrast:
            low, high = self.contrast
            draws["contrast"] = low + torch.rand(n, generator=rng) * (high - low)
        return draws

    def move(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Mirrors and shifts by one gather.

        Args:
            images: [B, H, W, C], any type.
            draws: From `draw`, of these images.

        Returns:
            [B, H, W, C], of the same type.
        """
        if "flip" not in draws and "shift" not in draws:
            return images
        b, h, w, c = images.shape
        rows = torch.arange(h, device=images.device).expand(b, h)
        columns = torch.arange(w, device=images.device).expand(b, w)
        if "flip" in draws:
            columns = torch.where(draws["flip"][:, None], w - 1 - columns, columns)
        if "shift" in draws:
            rows = rows + draws["shift"][:, :1]
            columns = columns + draws["shift"][:, 1:]
        outside = ((rows < 0) | (rows >= h))[:, :, None] | ((columns < 0) | (columns >= w))[:, None, :]  # [B, H, W]
        rows, columns = _mirror(rows, h), _mirror(columns, w)
        image = torch.arange(b, device=images.device)[:, None, None]
        pixel = (image * h + rows[:, :, None]) * w + columns[:, None, :]  # [B, H, W], into [B * H * W, C]
        moved = images.reshape(b * h * w, c).index_select(0, pixel.reshape(-1)).view(b, h, w, c)
        if self.crop_fill == "black" and "shift" in draws:
            moved.masked_fill_(outside[..., None], 0)
        return moved

    def recolour(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Shifts brightness, then scales contrast.

        Args:
            images: float32 [B, H, W, C] in 0 to 255.
            draws: From `draw`, of these images.

        Returns:
            float32 [B, H, W, C], no longer bound to 0 to 255.
        """
        if "brightness" in draws:
            images = images + draws["brightness"][:, None, None, None]
        if "contrast" in draws:
            mean = images.mean(dim=(1, 2), keepdim=True)  # [B, 1, 1, C]
            images = (images - mean) * draws["contrast"][:, None, None, None] + mean
        return images

    def cut(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Sets a square to 0; at the edge of the image it is cut off.

        Args:
            images: float32 [B, H, W, C], normalised.
            draws: From `draw`, of these images.

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


@dataclass(frozen=True)
class Normalization:
    """Maps pixels of 0 to 255 to what the network sees: (pixel - shift) / scale.

    Args:
        kind: `channel` subtracts each channel's mean and divides by its standard deviation over the training set;
            `symmetric` gives [-1, 1]; `unit` gives [0, 1]; `none` leaves 0 to 255.
        mean: Means of the channels, in [0, 1].
        std: Standard deviations of the channels, in [0, 1].
    """

    kind: Literal["channel", "symmetric", "unit", "none"]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Normalises float32 [B, H, W, C] in 0 to 255."""
        factor, offset = self._constants(images.device)
        return images * factor + offset

    @cache  # noqa: B019 (a handful of frozen objects; a copy to the device in every batch would stall its queue)
    def _constants(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns what to multiply pixels by and what to add, each [C] or [1]."""
        shift, scale = {
            "channel": (self.mean, self.std),
            "symmetric": ((0.5,), (0.5,)),
            "unit": ((0.0,), (1.0,)),
            "none": ((0.0,), (1 / 255,)),
        }[self.kind]
        shift, scale = torch.tensor(shift, device=device), torch.tensor(scale, device=device)
        return 1 / (scale * 255), -shift / scale

    def undo(self, images: Tensor) -> Tensor:
        """Turns normalised float32 [B, C, H, W] back into pixels, uint8 [B, H, W, C], for looking at."""
        images = images.permute(0, 2, 3, 1).float()
        zero, one = self(images.new_zeros(1, 1, 1, images.shape[-1])), self(images.new_full((1,), 255.0))
        return ((images - zero) / (one - zero) * 255).round().clamp(0, 255).byte()


def _mirror(place: Tensor, size: int) -> Tensor:
    """Folds places outside [0, size) back at the edge pixel, which is not repeated."""
    place = place.abs()
    return torch.where(place >= size, 2 * (size - 1) - place, place)
