"""Image sizes and widths of the mobile nets: checks, and rounding."""

import math

from core.errors import InputError

HALVINGS = {"imagenet": 5, "cifar": 3, "whitening": 4}  # of the image, by stem


def check_sizes(name: str, stem: str, image_size: int, width_multiplier: float, has_stems: bool = True) -> None:
    """Checks the image size and the width multiplier.

    Args:
        name: Name of the network, for the message.
        stem: Kind of the first convolutions, one of `HALVINGS`.
        image_size: Height and width of the images.
        width_multiplier: Factor on the number of channels.
        has_stems: Whether the network can have another stem.

    Raises:
        InputError: The images are too small, or the multiplier is not above 0 and finite.
    """
    least = 2 ** HALVINGS[stem]
    if image_size < least:
        hint = " (stem cifar: 8)" if stem == "imagenet" and has_stems else ""
        raise InputError(f"{name}: {HALVINGS[stem]} halvings need images of {least} pixels, not {image_size}{hint}")
    if not 0 < width_multiplier < math.inf:
        raise InputError(f"{name}: width_multiplier is a factor above 0, not {width_multiplier:g}")


def rounded(channels: float) -> int:
    """Returns the multiple of 8 nearest to a number of channels, or the next one if that is below nine tenths of it."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
