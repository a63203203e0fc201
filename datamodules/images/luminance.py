"""Luminance and colour apart (YCbCr of JPEG), for pictures that keep the colours of another."""

import torch
from torch import Tensor

RED, GREEN, BLUE = 0.299, 0.587, 0.114


def luminance(colours: Tensor) -> Tensor:
    """Returns the luminance of pictures, [N, 1, H, W], in the range of their colours [N, 3, H, W]."""
    return (colours * colours.new_tensor([RED, GREEN, BLUE])[:, None, None]).sum(1, keepdim=True)


def chroma(colours: Tensor) -> Tensor:
    """Returns how far blue and red lie above the luminance, [N, 2, H, W], of pictures [N, 3, H, W]."""
    return colours[:, [2, 0]] - luminance(colours)


def with_chroma(light: Tensor, blue_and_red: Tensor) -> Tensor:
    """Returns pictures [N, 3, H, W] of their luminance [N, 1, H, W] and of `chroma` [N, 2, H, W]."""
    blue, red = (light + part for part in blue_and_red.split(1, 1))
    green = (light - RED * red - BLUE * blue) / GREEN
    return torch.cat([red, green, blue], 1)


def matched(light: Tensor, other: Tensor) -> Tensor:
    """Returns a luminance with mean and standard deviation of another's, as Gatys et al. match a style to its content.

    (arXiv:1606.05897)
    """
    deviation = light.std().clamp(min=1e-3)
    return (light - light.mean()) / deviation * other.std() + other.mean()
