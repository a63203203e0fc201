"""DenseNet: the input of every layer is the maps of all layers before it.

Gao Huang, Zhuang Liu, Laurens van der Maaten and Kilian Q. Weinberger, "Densely Connected Convolutional Networks",
2016, arXiv:1608.06993; the form is the paper's DenseNet-BC, with bottlenecks and compression.
"""

import re
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.global_pools import GlobalAveragePool
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.whitening import WhiteningStem
from lightning_modules.tasks.image_classifier import ImageClassifier, numbered

# Layers of each block: section 4.2 of the paper (6n + 4 convolutions for CIFAR) and its table 1.
CIFAR = {40: (6, 6, 6), 100: (16, 16, 16)}
IMAGENET = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}


class DenseLayer(nn.Module):
    """Adds `growth_rate` maps: a 1x1 convolution to four times as many, then a 3x3 one, each after norm and ReLU.

    Args:
        channels: Channels of the input.
        growth_rate: Channels that are added.
        dropout: Probability of dropping an output of a convolution in training.
    """

    def __init__(self, channels: int, growth_rate: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth_rate)
        self.conv2 = nn.Conv2d(4 * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, channels + growth_rate, H, W] of [B, channels, H, W]."""
        new = self.dropout(self.conv1(self.norm1(x).relu()))
        new = self.dropout(self.conv2(self.norm2(new).relu()))
        return torch.cat([x, new], 1)


class Transition(nn.Sequential):
    """Changes the number of channels by a 1x1 convolution after norm and ReLU, and halves the size of the maps.

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        dropout: Probability of dropping an output of the convolution in training.
    """

    def __init__(self, channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.pool = nn.AvgPool2d(2)


class DenseNet(ImageClassifier):
    """DenseNet-BC of 40 or 100 layers for CIFAR, or of 121, 169 or 201 for ImageNet.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        depth: 40 or 100 for small images; 121, 169 or 201 for ImageNet.
        growth_rate: Channels that each layer adds; 12 (CIFAR) or 32 (ImageNet) if not given.
        compression: Part of the channels that is kept between two blocks.
        stem: First layers: `cifar` is a 3x3 convolution, `imagenet` a 7x7 one of stride 2 and a max pooling,
            `whitening` a fixed layer that whitens 2x2 patches, a 3x3 convolution and a 2x2 max pooling; set by the
            depth if not given.
        dropout: Dropout probability of outputs of all convolutions but the first, in training.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The image is too small, or a value is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        depth: Literal[40, 100, 121, 169, 201] = 100,
        growth_rate: int | None = None,
        compression: float = 0.5,
        stem: Literal["imagenet", "cifar", "whitening"] | None = None,
        dropout: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        layers = (CIFAR | IMAGENET)[depth]
        if growth_rate is None:
            growth_rate = 32 if depth in IMAGENET else 12
        if growth_rate < 1:
            raise InputError(f"DenseNet: growth_rate is at least 1, not {growth_rate}")
        if not 0 < compression <= 1:
            raise InputError(f"DenseNet: compression is above 0 and at most 1, not {compression}")
        stem = stem or ("imagenet" if depth in IMAGENET else "cifar")
        # the stem's two halvings round odd sizes up, those between blocks round down
        halvings, least = len(layers) - 1, 2 ** (len(layers) - 1)
        if stem == "imagenet":
            halvings, least = halvings + 2, 4 * (least - 1) + 1
        if stem == "whitening":  # removes a pixel, and its pooling rounds down
            halvings, least = halvings + 1, 2 * least + 1
        if image_size < least:
            raise InputError(f"DenseNet: {halvings} halvings need images of {least} pixels, not {image_size}")

        channels = 2 * growth_rate
        self.features = nn.Sequential()
        if stem == "imagenet":
            self.features.conv0 = nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False)
            self.features.norm0 = nn.BatchNorm2d(channels)
            self.features.relu0 = nn.ReLU()
            self.features.pool0 = nn.MaxPool2d(3, stride=2, padding=1)
        elif stem == "whitening":
            self.features.stem = WhiteningStem(in_channels, channels)
        else:
            self.features.conv0 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        for block, count in enumerate(layers, 1):
            dense = nn.Sequential()
            for layer in range(1, count + 1):
                dense.add_module(f"denselayer{layer}", DenseLayer(channels, growth_rate, dropout))
                channels += growth_rate
            self.features.add_module(f"denseblock{block}", dense)  # [B, channels, side, side]
            if block < len(layers):
                compressed = max(1, int(compression * channels))
                self.features.add_module(f"transition{block}", Transition(channels, compressed, dropout))
                channels = compressed  # [B, channels, side / 2, side / 2]
        self.features.norm5 = nn.BatchNorm2d(channels)
        self.features.relu5 = nn.ReLU()
        self.classifier = nn.Linear(channels, num_classes)

        initialize(self, "he", scale=1.0)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.features(images).mean((2, 3)))

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `features.0` and so on, `pool`, `classifier`."""
        return numbered("features", self.features) | {"pool": GlobalAveragePool(), "classifier": self.classifier}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier]

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights, whose files may have `norm.1` for `norm1`, under this network's names."""
        return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(?=\d)", r"\1", key): weights[key] for key in weights}
