"""Pictures that are read whole, at their own proportions, for style transfer."""

from pathlib import Path

import torch
from torch import Tensor

from core.console import print_line
from core.errors import InputError
from datamodules.images.picture import picture_size, read_whole_picture

LEAST = 32  # pixels of the shorter side, of which the deepest layers have one or two


def scaled_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Returns width and height, scaled so that the larger is `long_side`."""
    return tuple(max(1, round(side * long_side / max(size))) for side in size)


def read_style(path: str, long_side: int) -> Tensor:
    """Reads a picture whose style is taken, and says what was changed.

    Args:
        path: The file.
        long_side: Pixels of the longer side to which it is scaled.

    Returns:
        float32 [1, 3, H, W], from 0 to 255.

    Raises:
        InputError: It cannot be read, or is too small.
    """
    original = picture_size(Path(path).expanduser())
    size = scaled_size(original, long_side)
    if min(*size, *original) < LEAST:
        raise InputError(f"{path}: {original[0]}x{original[1]} pixels; a style needs {LEAST} on its shorter side")
    return read_whole(path, size)


def read_whole(path: str, size: tuple[int, int], channels: int = 3) -> Tensor:
    """Reads a picture, float32 [1, C, H, W], and says what was changed."""
    file = Path(path).expanduser()
    original, picture = picture_size(file), read_whole_picture(file, size, channels)
    changes = [f"scaled from {original[0]}x{original[1]} to {size[0]}x{size[1]}"] * (original != size)
    changes += ["its transparent parts made white"] * picture.transparent
    changes += ["16 bits made 8"] * bool(picture.depth)
    if changes:
        print_line(f"picture  {path}: {', '.join(changes)}")
    return as_batch(torch.from_numpy(picture.pixels))


def as_batch(pixels: Tensor) -> Tensor:
    """Returns pixels uint8 [H, W, C] as float32 [1, C, H, W]."""
    return pixels.permute(2, 0, 1)[None].float().contiguous()
