"""GoogLeNet: blocks of parallel convolutions of several sizes, and two auxiliary classifiers for training.

Christian Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv:1409.4842. Batch normalisation: Sergey Ioffe and
Christian Szegedy, 2015, arXiv:1502.03167.
"""

import math
from collections import OrderedDict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from datamodules.batches import ImageBatch
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.local_response_norm import LocalResponseNorm
from lightning_modules.layers.whitening import WhiteningStem
from lightning_modules.tasks.image_classifier import ImageClassifier

# Table 1 of the paper: channels of 1x1, of 3x3 with its reduction before it, of 5x5 with its own, and after pooling.
BLOCKS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# by stem, and whether there are auxiliary classifiers, which need 4x4 maps
LEAST_SIZE = {
    ("imagenet", True): 63,
    ("imagenet", False): 15,
    ("cifar", True): 8,
    ("cifar", False): 2,
    ("whitening", True): 17,
    ("whitening", False): 5,
}


def unit(in_channels: int, out_channels: int, kernel: int, batch_norm: bool, stride: int = 1) -> nn.Sequential:
    """Returns a convolution, a norm if `batch_norm` is set, and ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=not batch_norm)
    norm = {"bn": nn.BatchNorm2d(out_channels, eps=0.001)} if batch_norm else {}
    return nn.Sequential(OrderedDict(conv=conv, **norm, relu=nn.ReLU()))


def halving() -> nn.MaxPool2d:
    """Returns the overlapping pooling that reduces n pixels to n // 2."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


class Inception(nn.Module):
    """Four parallel branches: 1x1, 3x3 and 5x5 convolutions, and max pooling, with 1x1 reductions.

    Args:
        in_channels: Channels of the input.
        widths: A row of `BLOCKS`.
        large_kernel: Kernel size of the third branch: 5, or 3 as in torchvision.
        batch_norm: Use batch normalisation after each convolution.
    """

    def __init__(self, in_channels: int, widths: list[int], large_kernel: int, batch_norm: bool) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, projection = widths
        self.branch1 = unit(in_channels, one, 1, batch_norm)
        self.branch2 = nn.Sequential(unit(in_channels, reduce3, 1, batch_norm), unit(reduce3, three, 3, batch_norm))
        self.branch3 = nn.Sequential(
            unit(in_channels, reduce5, 1, batch_norm), unit(reduce5, five, large_kernel, batch_norm)
        )
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), unit(in_channels, projection, 1, batch_norm))
        self.out_channels = one + three + five + projection

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, out_channels, H, W] of [B, in_channels, H, W]."""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(ImageClassifier):
    """GoogLeNet with its nine inception blocks, for images of any size.

    The pooling between blocks 4e and 5a is torchvision's, of 2x2 pixels, where the paper has 3x3 with stride 2.
    Torchvision's published weights need `five_by_five: false` and images between -1 and 1
    (`normalization: symmetric`).

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        stem: Layers before the blocks: `imagenet` has three convolutions that reduce the size to an eighth, `cifar` one
            of 3x3 that keeps it, `whitening` a fixed layer that whitens 2x2 patches, one of 3x3 and a 2x2 max pooling.
        width: Factor on the numbers of channels.
        batch_norm: Use batch normalisation after each convolution; without it the stem of `imagenet` has
            the paper's local response normalisation.
        five_by_five: Whether the third branch has the paper's 5x5 convolutions, or 3x3 as in torchvision.
        aux_weight: Factor on the losses of the two auxiliary classifiers in training; no such classifiers if 0.
        dropout: Probability of dropping an input of the dense layer in training.
        aux_dropout: The same in the auxiliary classifiers.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The images are too small, or a value is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 224,
        stem: Literal["imagenet", "cifar", "whitening"] = "imagenet",
        width: float = 1.0,
        batch_norm: bool = True,
        five_by_five: bool = True,
        aux_weight: float = 0.3,
        dropout: float = 0.4,
        aux_dropout: float = 0.7,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        least = LEAST_SIZE[stem, aux_weight > 0]
        if image_size < least:
            raise InputError(
                f"GoogLeNet: stem {stem} with aux_weight {aux_weight:g} needs images of {least} pixels, "
                f"not {image_size} (stem cifar with aux_weight 0: {LEAST_SIZE['cifar', False]})"
            )
        if not 0 < width < math.inf:
            raise InputError(f"GoogLeNet: width is a factor above 0, not {width:g}")
        if aux_weight < 0:
            raise InputError(f"GoogLeNet: aux_weight is at least 0, not {aux_weight:g}")
        self.aux_weight = aux_weight

        def scaled(channels: int) -> int:
            return max(1, round(channels * width))

        channels = scaled(192)
        self.stem = _stem(stem, in_channels, scaled(64), channels, batch_norm)
        for name, widths in BLOCKS.items():
            block = Inception(channels, [scaled(n) for n in widths], 5 if five_by_five else 3, batch_norm)
            self.add_module(f"inception{name}", block)
            channels = block.out_channels
        self.maxpool3 = halving()
        self.maxpool4 = nn.MaxPool2d(2, ceil_mode=True)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

        if aux_weight:
            first = {"imagenet": (image_size + 1) // 8, "cifar": image_size, "whitening": (image_size - 1) // 2}[stem]
            side = first // 2  # of the maps of blocks 4a to 4e

            def auxiliary(channels: int) -> nn.Sequential:
                return nn.Sequential(
                    OrderedDict(
                        # for 14x14 maps, the paper's 5x5 with stride 3
                        pool=nn.AvgPool2d(side - 3 * (side // 4), side // 4),  # [B, channels, 4, 4]
                        conv=unit(channels, scaled(128), 1, batch_norm),
                        flatten=nn.Flatten(),
                        fc1=nn.Linear(16 * scaled(128), scaled(1024)),
                        relu=nn.ReLU(),
                        dropout=nn.Dropout(aux_dropout),
                        fc2=nn.Linear(scaled(1024), num_classes),
                    )
                )

            self.aux1 = auxiliary(self.inception4a.out_channels)
            self.aux2 = auxiliary(self.inception4d.out_channels)

        initialize(self, "he", 0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self._classify(self._features(images)[-1])

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns stem and inception blocks, and the classifiers as one part, since each of them is an output."""
        classifiers = [self.fc, *([self.aux1, self.aux2] if self.aux_weight else [])]
        return [self.stem, *(getattr(self, f"inception{name}") for name in BLOCKS), nn.ModuleList(classifiers)]

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer of each classifier."""
        return [self.fc, *([self.aux1.fc2, self.aux2.fc2] if self.aux_weight else [])]

    def training_outputs(self, batch: ImageBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns logits and losses of a training batch; auxiliary losses are multiplied by `aux_weight`."""
        first, second, last = self._features(batch.images)
        logits = self._classify(last).float()
        losses = {"classification": self.loss(logits, batch.targets, self.label_smoothing)}
        if self.aux_weight:
            for name, auxiliary in (("aux1", self.aux1(first)), ("aux2", self.aux2(second))):
                loss = self.loss(auxiliary.float(), batch.targets, self.label_smoothing)
                losses[name] = self.aux_weight * loss
        return logits, losses

    def _features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the maps after blocks 4a, 4d and 5b: 14x14, 14x14 and 7x7 for 224x224 images."""
        x = self.stem(images)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        first = self.inception4a(x)
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        x = self.maxpool4(self.inception4e(second))
        return first, second, self.inception5b(self.inception5a(x))

    def _classify(self, x: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of the last maps [B, C, H, W]."""
        return self.fc(self.dropout(x.mean((2, 3))))

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights, whose stem has no name, under this network's names."""
        return {f"stem.{name}" if name.startswith("conv") else name: value for name, value in weights.items()}


def _stem(kind: str, in_channels: int, width: int, channels: int, batch_norm: bool) -> nn.Module:
    """Returns the layers before the blocks.

    Args:
        kind: What GoogLeNet takes as `stem`.
        in_channels: Channels of the images.
        width: Channels within the stem of `imagenet`.
        channels: Channels of the output.
        batch_norm: Use batch normalisation after each convolution.
    """
    if kind == "cifar":
        return unit(in_channels, channels, 3, batch_norm)
    if kind == "whitening":
        return WhiteningStem(in_channels, channels, batch_norm=batch_norm)
    return nn.Sequential(
        OrderedDict(
            conv1=unit(in_channels, width, 7, batch_norm, stride=2),
            maxpool1=halving(),
            norm1=nn.Identity() if batch_norm else LocalResponseNorm(),
            conv2=unit(width, width, 1, batch_norm),
            conv3=unit(width, channels, 3, batch_norm),
            norm2=nn.Identity() if batch_norm else LocalResponseNorm(),
            maxpool2=halving(),
        )
    )
