"""Local response normalisation across channels.

Alex Krizhevsky, Ilya Sutskever and Geoffrey Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
2012.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class LocalResponseNorm(nn.Module):
    """Divides each value by a power of the sum of squares in five neighbouring channels, with the paper's constants.

    `nn.LocalResponseNorm` takes twice as long on a CPU, and its gradient is not deterministic on a GPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns the normalised maps, of the same shape [B, C, H, W]."""
        squares = x.square().permute(0, 2, 3, 1).flatten(1, 2)  # [B, H * W, C]
        energy = 5 * F.avg_pool1d(squares, 5, stride=1, padding=2)
        return x / (2 + 1e-4 * energy.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)) ** 0.75
