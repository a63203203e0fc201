"""The mean of each map, and the largest value."""

import torch.nn.functional as F
from torch import Tensor, nn


class GlobalAveragePool(nn.Module):
    """Reduces each map to its mean."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns the means of maps [B, C, H, W], of shape [B, C]."""
        return x.mean((2, 3))


class GlobalMaxPool(nn.Module):
    """Reduces each map to its largest value.

    `nn.AdaptiveMaxPool2d` gives the same bits, but its gradient is not deterministic on a GPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns the largest values of maps [B, C, H, W], of shape [B, C, 1, 1]."""
        return F.max_pool2d(x, x.shape[2:])
