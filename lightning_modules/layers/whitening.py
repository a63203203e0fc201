"""A fixed first layer that whitens image patches.

Its filters are the principal components of small patches of the training images, each scaled to unit variance, and
their negatives (David Page, "How to train your ResNet", 2018; Keller Jordan, 2024, arXiv:2404.00498).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Whitening(nn.Module):
    """Convolution without padding whose filters are set from data once and never trained.

    Args:
        in_channels: Channels C of the images.
        kernel_size: Height and width k of the patches.
        epsilon: Added to the variance of each component, so that weak components are not amplified too much.
        bias: Whether each component has a trained bias.
    """

    def __init__(self, in_channels: int, kernel_size: int = 2, epsilon: float = 5e-4, bias: bool = False) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.epsilon = epsilon
        self.out_channels = 2 * in_channels * kernel_size**2
        # buffers, not parameters: saved in checkpoints, not optimized
        self.register_buffer("weight", torch.zeros(self.out_channels, in_channels, kernel_size, kernel_size))
        self.register_buffer("is_set", torch.tensor(False))
        limit = (in_channels * kernel_size**2) ** -0.5  # as torch initialises a convolution
        self.bias = nn.Parameter(torch.empty(self.out_channels).uniform_(-limit, limit)) if bias else None

    def initialize_from(self, images: Tensor) -> None:
        """Sets the filters, unless they are already set, as by a checkpoint.

        Args:
            images: Normalised training images [N, C, H, W]; a few thousand suffice.
        """
        if self.is_set:
            return
        moments, count = self.weight.new_zeros(self.out_channels // 2, self.out_channels // 2), 0
        for part in images.split(250):  # in parts, because the patches of all images would need half a gigabyte
            patches = F.unfold(part.float(), self.kernel_size)  # [N, C k k, P] with P positions
            patches = patches.transpose(1, 2).flatten(0, 1)  # [N P, C k k]
            moments += (patches.T @ patches).to(moments)
            count += len(patches)
        variances, components = torch.linalg.eigh(moments / count)
        filters = (components / (variances + self.epsilon).sqrt()).T.flip(0)  # strongest first
        filters = filters.reshape(-1, *self.weight.shape[1:])
        self.weight.copy_(torch.cat([filters, -filters]))
        self.is_set.fill_(True)

    def forward(self, images: Tensor) -> Tensor:
        """Returns components [B, 2 C k k, H - k + 1, W - k + 1] of images [B, C, H, W]."""
        return F.conv2d(images, self.weight, self.bias)
