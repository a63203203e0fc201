"""Flips, shifts, affine and elastic distortions of whole batches of images."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

ELASTIC_POINTS = 5  # per side; about 7 pixels apart on MNIST and CIFAR-10, as smooth as the field of Simard et al.


def flip_and_shift(images: Tensor, draws: dict[str, Tensor], padding: int, fill: str) -> Tensor:
    """Flips images left-right and shifts them, by copying whole rows.

    Args:
        images: [B, H, W, C], any type.
        draws: `flip`, bool [B], and `shift`, down and right in pixels, int64 [B, 2]; either can be absent.
        padding: The largest shift.
        fill: Padding: `reflect`, the image reflected at its edge, or `black`.

    Returns:
        [B, H, W, C], of the same type.
    """
    b, h, w, c = images.shape
    table, plain, mirrored = _row_table(images, padding, fill)
    rows, columns = torch.arange(h, device=images.device).expand(b, h), plain
    if "shift" in draws:
        down, right = draws["shift"].split(1, dim=1)  # [B, 1]
        rows, columns, mirrored = rows + down, plain + right, mirrored - right
    if "flip" in draws:
        columns = torch.where(draws["flip"][:, None], mirrored, columns)
    rows = rows + padding if fill == "black" else _reflect(rows, h)
    image = torch.arange(b, device=images.device)[:, None]
    first = (image * table.shape[1] + rows) * table.shape[2] + columns  # [B, H], start of each row
    windows = table.flatten().unfold(0, w * c, c)  # a view: a row from every offset
    return windows.index_select(0, first.flatten()).view(b, h, w, c)


def _row_table(images: Tensor, padding: int, fill: str) -> tuple[Tensor, int, int]:
    """Builds a table of rows in which every flip and shift of a row is one contiguous slice.

    Copying rows is many times faster than copying pixels.

    Returns:
        The table, [B, H, about 2 W, C], H with the padding if that is black; the offset of a row in it, and of the
        mirrored row.
    """
    w = images.shape[2]
    if fill == "black":
        padded = F.pad(images, (0, 0, padding, padding, padding, padding))
        return torch.cat([padded, padded.flip(2)], 2), padding, padded.shape[2] + padding
    # Mirrored at its edge without repeating the edge pixel, a row continues as the mirrored row.
    flipped = images.flip(2)
    before, after = flipped[:, :, w - 1 - padding : w - 1], images[:, :, 1 : padding + 1]
    return torch.cat([before, images, flipped[:, :, 1:], after], 2), padding, padding + w - 1


def warp(images: Tensor, draws: dict[str, Tensor], fill: str) -> Tensor:
    """Flips, rotates, scales, shears, distorts and shifts images, with one bilinear interpolation.

    Args:
        images: [B, H, W, C], any type.
        draws: Any of `rotation` and `shear` (degrees, [B]), `scale` (factors, [B]), `flip` (bool [B]), `shift` (pixels
            down and right, [B, 2]) and `elastic` (pixels down and across at each point, [B, 2, 5, 5]).
        fill: Padding: `reflect` or `black`.

    Returns:
        float32 [B, H, W, C].
    """
    b, h, w, _ = images.shape
    zeros = torch.zeros(b, device=images.device)
    angle, slant = draws.get("rotation", zeros).deg2rad(), draws.get("shear", zeros).deg2rad().tan()
    cos, sin = angle.cos(), angle.sin()
    # From coordinates in the result to those in the image, (x, y) relative to the centre.
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
    mode = "zeros" if fill == "black" else "reflection"
    moved = F.grid_sample(images.permute(0, 3, 1, 2).float(), grid, padding_mode=mode, align_corners=True)
    return moved.permute(0, 2, 3, 1).contiguous()


def _reflect(place: Tensor, size: int) -> Tensor:
    """Reflects indices outside [0, size) at the edge pixel, which is not repeated."""
    place = place.abs()
    return torch.where(place >= size, 2 * (size - 1) - place, place)


@cache
def _basis(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns basis functions of the coordinates in an image.

    Returns:
        The basis in pixels, [3 + 25, H * W]: x and y relative to the centre, 1, and a bump for each elastic point. The
        distances from the centre to the edge in x and y, [2, 1].
    """
    half = torch.tensor([[w - 1], [h - 1]]) / 2
    x, y = (torch.arange(w) - half[0]).expand(h, w), (torch.arange(h) - half[1])[:, None].expand(h, w)
    points = torch.eye(ELASTIC_POINTS**2).view(-1, 1, ELASTIC_POINTS, ELASTIC_POINTS)
    bumps = F.interpolate(points, (h, w), mode="bicubic", align_corners=True)  # [25, 1, H, W]
    sums = torch.cat([torch.stack([x, y, torch.ones(h, w)]), bumps[:, 0]]).flatten(1)
    return sums.to(device), half.to(device)
