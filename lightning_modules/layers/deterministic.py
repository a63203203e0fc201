"""Reflection at the edge and bilinear shrinking, whose gradients in torch have no fixed order of sums on a GPU.

Where `--trainer.deterministic true` asks for one, slices and matrix products compute the same. Elsewhere torch's own
operations do, which are faster.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def needs_order(x: Tensor) -> bool:
    """Returns whether gradients of a tensor must be deterministic, and torch's kernels for its device may not be."""
    return torch.are_deterministic_algorithms_enabled() and not x.is_cpu


class ReflectingConv2d(nn.Conv2d):
    """A convolution that continues maps beyond their edges by their reflection, and keeps their size at stride 1.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        size: Height and width of the kernel, odd.
        stride: Places between outputs.
        bias: Whether each output has a bias.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, size, stride, size // 2, bias=bias, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        """Returns maps [B, out_channels, h, w] of [B, in_channels, H, W]."""
        if not needs_order(x):
            return super().forward(x)
        height, width = self.padding
        reflected = _reflected(_reflected(x, height, 2), width, 3)
        return F.conv2d(reflected, self.weight, self.bias, self.stride)


def _reflected(x: Tensor, margin: int, axis: int) -> Tensor:
    """Returns maps that are continued at both ends of an axis by a margin, which is less than its length."""
    if not margin:
        return x
    before, behind = x.narrow(axis, 1, margin), x.narrow(axis, x.shape[axis] - 1 - margin, margin)
    return torch.cat([before.flip(axis), x, behind.flip(axis)], axis)


def scaled(picture: Tensor, scale: float) -> Tensor:
    """Returns a picture [1, C, H, W] at a share of its size."""
    if scale == 1:
        return picture
    size = tuple(max(1, round(side * scale)) for side in picture.shape[-2:])
    if not needs_order(picture):
        return F.interpolate(picture, size, mode="bilinear", antialias=True)
    rows, columns = (_shares(side, smaller, picture) for side, smaller in zip(picture.shape[-2:], size, strict=True))
    with torch.autocast(picture.device.type, enabled=False):  # which would round the products
        return rows @ picture @ columns.T


def _shares(side: int, smaller: int, like: Tensor) -> Tensor:
    """Returns the share that each of `side` places has in each of the smaller number, [smaller, side]."""
    each = torch.eye(side, dtype=like.dtype, device=like.device)[None, None]
    return F.interpolate(each, (smaller, side), mode="bilinear", antialias=True)[0, 0]
