"""A fixed first layer that whitens image patches.

Its filters are the principal components of small patches of the training images, each scaled to unit variance, and
their negatives (David Page, "How to train your ResNet", 2018; Keller Jordan, 2024, arXiv:2404.00498).
"""

from collections import OrderedDict

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

    constant_buffers = ("weight",)

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


class WhiteningStem(nn.Sequential):
    """First layers that whiten an image and halve it early, so that all behind them cost a quarter.

    A whitening layer, an activation and a 3x3 convolution; pooling comes before norm and activation, which then have
    a quarter of the places.

    Args:
        in_channels: Channels of the images.
        out_channels: Channels of the output.
        activation: Class of the activation.
        batch_norm: Whether there is a norm behind the convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, activation: type[nn.Module] = nn.ReLU, batch_norm: bool = True
    ) -> None:
        whitening = Whitening(in_channels)
        super().__init__(
            OrderedDict(
                whitening=whitening,
                activation0=activation(),
                conv=nn.Conv2d(whitening.out_channels, out_channels, 3, padding=1, bias=not batch_norm),
                pool=nn.MaxPool2d(2),
                norm=nn.BatchNorm2d(out_channels) if batch_norm else nn.Identity(),
                activation=activation(),
            )
        )  # [B, out_channels, (size - 1) // 2, same] of [B, in_channels, size, size]
