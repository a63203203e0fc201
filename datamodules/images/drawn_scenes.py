"""Two drawn pictures for trying style transfer: a landscape, and a canvas of brush strokes that follow a swirl."""

import math

import numpy as np
import torch
from torch import Tensor

from core.randomness import generator

STROKES = 9000
LENGTH, WIDTH = 0.045, 0.0045  # of a stroke, as shares of the canvas
BLUES = (24, 42, 92), (38, 84, 150), (76, 140, 190), (150, 190, 210)
PALETTE = (*BLUES, (235, 205, 90), (246, 232, 170), (214, 120, 40))


def landscape(width: int, height: int) -> Tensor:
    """Draws a sky with a sun over two ranges of hills, a lake and a house, uint8 [H, W, 3]."""
    x = torch.linspace(0, 1, width).expand(height, width)
    y = torch.linspace(0, 1, height)[:, None].expand(height, width)
    picture = _blend(y, (96, 150, 214), (232, 214, 190))
    sun = torch.hypot((x - 0.72) * width / height, y - 0.22)
    picture = _paint(picture, sun - 0.09, (250, 236, 170))
    for base, wave, colours in (
        (0.50, (0.07, 7.0, 0.5), ((118, 134, 152), (88, 108, 128))),
        (0.60, (0.05, 11.0, 2.2), ((70, 112, 82), (46, 84, 58))),
    ):
        edge = base + wave[0] * torch.sin(wave[1] * x + wave[2]) + wave[0] / 2 * torch.sin(2.7 * wave[1] * x)
        picture = _paint(picture, edge - y, _blend((y - edge).clamp(0, 0.3) / 0.3, *colours))
    lake = (x - 0.30).square() / 0.26**2 + (y - 0.84).square() / 0.10**2
    picture = _paint(picture, lake - 1, _blend((y - 0.74) / 0.2, (120, 166, 196), (62, 104, 140)))
    for left, top, right, bottom, colour in (
        (0.66, 0.62, 0.84, 0.78, (206, 180, 146)),  # wall
        (0.73, 0.69, 0.77, 0.78, (94, 62, 44)),  # door
        (0.68, 0.65, 0.715, 0.69, (64, 84, 108)),  # windows
        (0.785, 0.65, 0.82, 0.69, (64, 84, 108)),
    ):
        picture = _paint(picture, torch.stack([left - x, x - right, top - y, y - bottom]).amax(0), colour)
    roof = torch.maximum((x - 0.75).abs() - (y - 0.53) * 1.25, y - 0.62)
    return _paint(picture, roof, (150, 62, 48)).clamp(0, 255).round().to(torch.uint8)


def brush_strokes(width: int, height: int) -> Tensor:
    """Draws strokes of seven colours along circles around three centres, uint8 [H, W, 3]."""
    rng = generator(0, "brush strokes")
    places = torch.rand(STROKES, 2, generator=rng)
    centres = torch.tensor([[0.30, 0.35], [0.72, 0.28], [0.55, 0.78]])
    away = places[:, None] - centres
    distance = away.norm(dim=2)
    near, which = distance.min(1)
    rows = torch.arange(STROKES)
    direction = torch.atan2(away[rows, which, 0], -away[rows, which, 1]) + 0.15 * torch.randn(STROKES, generator=rng)
    rings = (14 * near + 0.5 * torch.randn(STROKES, generator=rng)).long() % len(PALETTE)
    colours = torch.tensor(PALETTE, dtype=torch.float32)[rings] + 14 * torch.randn(STROKES, 3, generator=rng)
    picture = torch.tensor(PALETTE[0], dtype=torch.float32).expand(height, width, 3).clone()
    size = torch.tensor([width, height], dtype=torch.float32)
    scale = math.sqrt(width * height)
    painted = picture.numpy()  # of the same memory: on so few pixels NumPy takes a third of torch's time
    for place, angle, colour in zip((places * size).tolist(), direction.tolist(), colours.numpy(), strict=True):
        _stroke(painted, place, angle, colour, scale)
    return picture.clamp(0, 255).round().to(torch.uint8)


def _stroke(picture: np.ndarray, place: list[float], angle: float, colour: np.ndarray, scale: float) -> None:
    """Paints one stroke on a picture [H, W, 3], lighter along one edge."""
    height, width = picture.shape[:2]
    reach = LENGTH * scale / 2 + 2
    left, right = max(0, int(place[0] - reach)), min(width, int(place[0] + reach) + 1)
    top, bottom = max(0, int(place[1] - reach)), min(height, int(place[1] + reach) + 1)
    x = np.arange(left, right, dtype=np.float32) - place[0]
    y = (np.arange(top, bottom, dtype=np.float32) - place[1])[:, None]
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    outside = np.maximum(np.abs(along) - LENGTH * scale / 2, np.abs(across) - WIDTH * scale)
    cover = np.minimum(np.maximum(0.5 - outside, 0), 1)[..., None]
    shade = np.minimum(np.maximum(across / (WIDTH * scale), -1), 1)[..., None] * 22
    part = picture[top:bottom, left:right]
    part += cover * (colour + shade - part)


def _blend(share: Tensor, first: tuple[int, ...], second: tuple[int, ...]) -> Tensor:
    """Returns colours between two, [H, W, 3], by shares [H, W] of the second."""
    start, end = torch.tensor(first, dtype=torch.float32), torch.tensor(second, dtype=torch.float32)
    return start + share.clamp(0, 1)[..., None] * (end - start)


def _paint(picture: Tensor, distance: Tensor, colour: Tensor | tuple[int, ...]) -> Tensor:
    """Returns a picture with a shape on it.

    Args:
        picture: [H, W, 3].
        distance: Below 0 within the shape, [H, W]; in shares of the picture.
        colour: Of the shape, or of each of its pixels [H, W, 3].
    """
    cover = (0.5 - distance * len(picture)).clamp(0, 1)[..., None]
    filling = colour if isinstance(colour, Tensor) else torch.tensor(colour, dtype=torch.float32)
    return picture + cover * (filling - picture)
