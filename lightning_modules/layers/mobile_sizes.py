"""Checks of image sizes and widths that MobileNet and MobileNetV2 share."""

import math

from core.errors import InputError

HALVINGS = {"imagenet": 5, "cifar": 3}  # of the image, by stem


def check_sizes(name: str, stem: str, image_size: int, width_multiplier: float) -> None:
    """Checks the image size and the width multiplier.

    Args:
        name: Name of the network, for the message.
        stem: Kind of the first convolutions, `imagenet` or `cifar`.
        image_size: Height and width of the images.
        width_multiplier: Factor on the number of channels.

    Raises:
        InputError: The images are too small, or the multiplier is not above 0 and finite.
    """
    least = 2 ** HALVINGS[stem]
    if image_size < least:
        hint = " (stem cifar: 8)" if stem == "imagenet" else ""
        raise InputError(f"{name}: {HALVINGS[stem]} halvings need images of {least} pixels, not {image_size}{hint}")
    if not 0 < width_multiplier < math.inf:
        raise InputError(f"{name}: width_multiplier is a factor above 0, not {width_multiplier:g}")
