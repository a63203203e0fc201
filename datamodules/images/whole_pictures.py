"""Pictures that are read whole, at their own proportions, for style transfer."""

from math import ceil

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.terminal.console import print_line
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.input_notes import note_ranges
from datamodules.images.picture import picture_size, read_whole_picture

LEAST = 32  # pixels of the shorter side, of which the deepest layers have one or two


def scaled_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Returns width and height, scaled so that the larger is `long_side`."""
    return tuple(max(1, round(side * long_side / max(size))) for side in size)


def least_long_side(size: tuple[int, int]) -> int:
    """Returns the longer side with which a picture of a size, scaled, has `LEAST` pixels on its shorter side."""
    return ceil(LEAST * max(size) / min(size))


def read_style(path: str, long_side: int, options: str) -> Tensor:
    """Reads a picture whose style is taken, and says what was changed.

    Args:
        path: The file.
        long_side: Pixels of the longer side to which it is scaled.
        options: What this follows from, for the message.

    Returns:
        float32 [1, 3, H, W], from 0 to 255.

    Raises:
        InputError: It cannot be read, or is too small.
    """
    original = picture_size(from_home(path))
    size = scaled_size(original, long_side)
    found, needed = f"{path}: {original[0]}x{original[1]} pixels", f"a style needs {LEAST} on its shorter side"
    if min(original) < LEAST:
        raise InputError(f"{found}; {needed}")
    if min(size) < LEAST:
        raise InputError(
            f"{found}, scaled to {size[0]}x{size[1]}; {needed}: raise {options}, until its longer side has "
            f"{least_long_side(original):,}"
        )
    return read_whole(path, size)


def read_whole(path: str, size: tuple[int, int], channels: int = 3) -> Tensor:
    """Reads a picture, float32 [1, C, H, W], and says what was changed."""
    file = from_home(path)
    original, picture = picture_size(file), read_whole_picture(file, size, channels)
    changes = [f"scaled from {original[0]}x{original[1]} to {size[0]}x{size[1]}"] * (original != size)
    changes += ["its transparent parts made white"] * picture.transparent
    changes += ["16 bits made 8"] * bool(picture.depth)
    if changes:
        print_line(f"picture  {path}: {', '.join(changes)}")
    for line in note_ranges([picture.depth] if picture.depth and not picture.stated else [], SIXTEEN):
        print_line(line)
    return as_batch(torch.from_numpy(picture.pixels))


def as_batch(pixels: Tensor) -> Tensor:
    """Returns pixels uint8 [H, W, C] as float32 [1, C, H, W]."""
    return pixels.permute(2, 0, 1)[None].float().contiguous()
