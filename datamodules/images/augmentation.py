"""Augmentation and normalisation of a whole batch of images at once, on the device that holds it."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from core.randomness import generator

ELASTIC_POINTS = 5  # a side; some 7 pixels apart on MNIST and CIFAR-10, about as smooth as Simard et al.'s field


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; everything is off by default.

    Args:
        flip: Mirror left-right: `random` with probability one half, or `alternating`, in which every image is
            mirrored in every second epoch (Keller Jordan's airbench, 2024).
        crop_padding: Move the image by up to this many pixels in both directions.
        crop_fill: What moves in: the image mirrored at its edge, or black.
        rotation: Turn by an angle in [-rotation, rotation), in degrees.
        scale: Enlarge by a factor in [low, high).
        shear: Slant by an angle in [-shear, shear), in degrees; below 90.
        elastic: Distort smoothly: each of 5x5 points over the image moves by a normal distance of this standard
            deviation in pixels, down and across, and what is between moves along (after Simard et al., 2003).
        cutout: Side in pixels of a square that is set to 0 after normalisation, which is the mean colour where channels
            are normalised (DeVries and Taylor, 2017).
        brightness: Shift all pixels of an image by a value in [-brightness, brightness), in units of 0 to 255.
        contrast: Scale each channel about its mean by a factor in [low, high). Nothing is clipped.
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

    def __post_init__(self) -> None:
        for name in ("crop_padding", "rotation", "shear", "elastic", "cutout", "brightness"):
            if not 0 <= (value := getattr(self, name)) < math.inf:  # false of nan, too
                raise InputError(f"data.augmentation.{name} is {value}: a number of at least 0 is needed")
        if self.shear >= 90:
            raise InputError(f"data.augmentation.shear is {self.shear}: an angle below 90 degrees is needed")
        if self.scale and not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise InputError(f"data.augmentation.scale is {list(self.scale)}: two factors above 0, the lower one first")
        if self.contrast and not 0 <= self.contrast[0] <= self.contrast[1] < math.inf:
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

    def move(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Mirrors and shifts by one gather of rows, which changes no pixel; all else by interpolation.

        Args:
            images: [B, H, W, C], any type.
            draws: From `draw`, of these images.

        Returns:
            [B, H, W, C], of the same type; float32 if interpolated.
        """
        if any(name in draws for name in ("rotation", "scale", "shear", "elastic")):
            return self._warp(images, draws)
        if "flip" not in draws and "shift" not in draws:
            return images
        b, h, w, c = images.shape
        table, plain, mirrored = self._table(images)
        rows, columns = torch.arange(h, device=images.device).expand(b, h), plain
        if "shift" in draws:
            down, right = draws["shift"].split(1, dim=1)  # [B, 1]
            rows, columns, mirrored = rows + down, plain + right, mirrored - right
        if "flip" in draws:
            columns = torch.where(draws["flip"][:, None], mirrored, columns)
        rows = rows + self.crop_padding if self.crop_fill == "black" else _mirror(rows, h)
        image = torch.arange(b, device=images.device)[:, None]
        first = (image * table.shape[1] + rows) * table.shape[2] + columns  # [B, H], where each row begins
        windows = table.flatten().unfold(0, w * c, c)  # a view: a row from every place
        return windows.index_select(0, first.flatten()).view(b, h, w, c)

    def _table(self, images: Tensor) -> tuple[Tensor, int, int]:
        """Lays each row out so that all that a flip and a shift can make of it stands there in one piece.

        Copying rows is many times faster than copying pixels.

        Returns:
            [B, H, about 2 W, C], H with the padding if that is black. Where a row stands in it, and where the
            mirrored row does.
        """
        w, padding = images.shape[2], self.crop_padding
        if self.crop_fill == "black":
            padded = F.pad(images, (0, 0, padding, padding, padding, padding))
            return torch.cat([padded, padded.flip(2)], 2), padding, padded.shape[2] + padding
        # Mirrored at its edge without repeating the edge pixel, a row goes on as the mirrored row.
        flipped = images.flip(2)
        before, after = flipped[:, :, w - 1 - padding : w - 1], images[:, :, 1 : padding + 1]
        return torch.cat([before, images, flipped[:, :, 1:], after], 2), padding, padding + w - 1

    def _warp(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Mirrors, turns, scales, slants, distorts and shifts, interpolating once, bilinearly."""
        b, h, w, _ = images.shape
        zeros = torch.zeros(b, device=images.device)
        angle, slant = draws.get("rotation", zeros).deg2rad(), draws.get("shear", zeros).deg2rad().tan()
        cos, sin = angle.cos(), angle.sin()
        # From a place in the result to one in the image, (x, y) seen from the centre.
        inverse = torch.stack([cos + slant * sin, sin - slant * cos, -sin, cos], dim=1).view(b, 2, 2)
        if "scale" in draws:
            inverse = inverse / draws["scale"][:, None, None]
        if "flip" in draws:
            inverse = inverse * torch.stack([1 - 2 * draws["flip"].float(), zeros + 1], dim=1)[:, None]
        shift = draws["shift"].flip(1) if "shift" in draws else torch.zeros(b, 2, device=images.device)
        elastic = draws.get("elastic", torch.zeros(b, 2, ELASTIC_POINTS**2, device=images.device))
        basis, half = _basis(h, w, images.device)
        factors = torch.cat([inverse, shift[:, :, None], elastic.flatten(2)], dim=2)  # [B, 2, 28]
        grid = (factors / half @ basis).view(b, 2, h, w).permute(0, 2, 3, 1)  # centres of edge pixels are at -1 and 1
        fill = "zeros" if self.crop_fill == "black" else "reflection"
        moved = F.grid_sample(images.permute(0, 3, 1, 2).float(), grid, padding_mode=fill, align_corners=True)
        return moved.permute(0, 2, 3, 1).contiguous()

    def recolour(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Shifts brightness, then scales contrast.

        Args:
            images: float32 [B, H, W, C] in 0 to 255.
            draws: From `draw`, of these images.

        Returns:
            float32 [B, H, W, C], no longer bound to 0 to 255.
        """
        if "contrast" not in draws:
            return images + draws["brightness"][:, None, None, None] if "brightness" in draws else images
        b, _, w, c = images.shape
        rows = images.flatten(2)  # [B, H, W * C]: over C alone, loops would be too short to be fast
        mean = rows.mean(1).view(b, w, c).mean(1)  # [B, C]
        factor = draws["contrast"][:, None]
        offset = mean * (1 - factor)
        if "brightness" in draws:
            offset = offset + draws["brightness"][:, None]
        return torch.addcmul(offset.repeat(1, w)[:, None], rows, factor[..., None]).view_as(images)

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
        factor, offset = self._constants(images.shape[2:], images.device)
        return torch.addcmul(offset, images.flatten(2), factor).view(images.shape)

    @cache  # noqa: B019 (a handful of frozen objects; a copy to the device in every batch would stall its queue)
    def _constants(self, row: torch.Size, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns what to multiply a row of pixels by and what to add, each [W * C]."""
        shift, scale = {
            "channel": (self.mean, self.std),
            "symmetric": ((0.5,), (0.5,)),
            "unit": ((0.0,), (1.0,)),
            "none": ((0.0,), (1 / 255,)),
        }[self.kind]
        shift, scale = torch.tensor(shift, device=device), torch.tensor(scale, device=device)
        return (1 / (scale * 255)).expand(row).flatten(), (-shift / scale).expand(row).flatten()

    def undo(self, images: Tensor) -> Tensor:
        """Turns normalised float32 [B, C, H, W] back into pixels, uint8 [B, H, W, C], for looking at."""
        images = images.permute(0, 2, 3, 1).float()
        zero, one = (self(images.new_full((1, 1, 1, images.shape[-1]), value)) for value in (0.0, 255.0))
        return ((images - zero) / (one - zero) * 255).round().clamp(0, 255).byte()


def _mirror(place: Tensor, size: int) -> Tensor:
    """Folds places outside [0, size) back at the edge pixel, which is not repeated."""
    place = place.abs()
    return torch.where(place >= size, 2 * (size - 1) - place, place)


@cache
def _basis(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns what places in an image are made of.

    Returns:
        What they are sums of, in pixels, [3 + 25, H * W]: x and y seen from the centre, 1, and a bump for each elastic
        point. The distances from the centre to the edge in x and y, [2, 1].
    """
    half = torch.tensor([[w - 1], [h - 1]]) / 2
    x, y = (torch.arange(w) - half[0]).expand(h, w), (torch.arange(h) - half[1])[:, None].expand(h, w)
    points = torch.eye(ELASTIC_POINTS**2).view(-1, 1, ELASTIC_POINTS, ELASTIC_POINTS)
    bumps = F.interpolate(points, (h, w), mode="bicubic", align_corners=True)  # [25, 1, H, W]
    sums = torch.cat([torch.stack([x, y, torch.ones(h, w)]), bumps[:, 0]]).flatten(1)
    return sums.to(device), half.to(device)
