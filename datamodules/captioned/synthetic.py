"""Drawn shapes, with captions that say what is shown: shape, colour, size and where one is from the other."""

import random

import torch
from torch import Tensor

from datamodules.images.synthetic import CLASS_NAMES, signed_distance

COLOURS = {
    "red": (220, 40, 40), "green": (40, 160, 60), "blue": (50, 80, 220), "yellow": (235, 205, 50),
    "white": (245, 245, 245), "black": (20, 20, 20), "purple": (150, 60, 180), "orange": (240, 130, 30),
}  # fmt: skip
SIZES = {"small": 0.24, "large": 0.42}  # of a picture that spans -1 to 1
PLACES = {"above": (0, 1), "below": (0, -1), "left of": (-1, 0), "right of": (1, 0)}  # of the first from the second
OPPOSITE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}
NOISE = 6.0  # standard deviation, of 255


def synthetic_captions(n: int, seed: int, size: int) -> tuple[Tensor, list[list[str]]]:
    """Draws pictures of one or two shapes, with five captions each.

    Args:
        n: Number of pictures.
        seed: Seed of all random choices.
        size: Height and width.

    Returns:
        Pictures, uint8 [n, size, size, 3], and their captions.
    """
    rng, noise = random.Random(seed), torch.Generator().manual_seed(seed)
    pictures = torch.empty(n, size, size, 3, dtype=torch.uint8)
    captions = []
    for picture in pictures:
        things = [_thing(rng) for _ in range(rng.choice((1, 2, 2)))]
        where = rng.choice(list(PLACES))
        picture.copy_(_drawn(things, where, rng, noise, size))
        captions.append(_described(things, where))
    return pictures, captions


def _thing(rng: random.Random) -> tuple[str, str, str]:
    """Returns size, colour and shape."""
    return rng.choice(list(SIZES)), rng.choice(list(COLOURS)), rng.choice(CLASS_NAMES)


def _drawn(
    things: list[tuple[str, str, str]], where: str, rng: random.Random, noise: torch.Generator, size: int
) -> Tensor:
    axis = (torch.arange(size) + 0.5) * 2 / size - 1
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    canvas = torch.full((size, size, 3), rng.uniform(90, 170))
    for number, (extent, colour, shape) in enumerate(things):
        across, up = PLACES[where] if len(things) == 2 else (0, 0)
        sign = 1 if number == 0 else -1
        left, top = (0.5 * sign * part + rng.uniform(-0.08, 0.08) for part in (across, up))
        scale = SIZES[extent]
        distance = signed_distance(CLASS_NAMES.index(shape), (x - left) / scale, (y - top) / scale) * scale
        cover = (0.5 - distance * size / 2).clamp(0, 1)[:, :, None]
        canvas = torch.lerp(canvas, torch.tensor(COLOURS[colour], dtype=torch.float32).expand_as(canvas), cover)
    return (canvas + NOISE * torch.randn(canvas.shape, generator=noise)).clamp(0, 255).round()


def _described(things: list[tuple[str, str, str]], where: str) -> list[str]:
    """Returns five captions, as five people would write them."""
    one, *rest = (" ".join(thing) for thing in things)
    if not rest:
        size, colour, shape = things[0]
        return [
            f"A {one} .", f"There is a {one} .", f"A {colour} {shape} that is {size} .", f"The picture shows a {one} .",
            f"One {one} on a grey background .",
        ]  # fmt: skip
    (two,) = rest
    return [
        f"A {one} {where} a {two} .",
        f"A {two} {OPPOSITE[where]} a {one} .",
        f"There is a {one} {where} a {two} .",
        f"The picture shows a {one} and a {two} .",
        f"A {two} and a {one} on a grey background .",
    ]
