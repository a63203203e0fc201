"""The mean of each map."""

from torch import Tensor, nn


class GlobalAveragePool(nn.Module):
    """Reduces each map to its mean."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns the means of maps [B, C, H, W], of shape [B, C]."""
        return x.mean((2, 3))
