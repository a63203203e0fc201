"""ResNet: residual networks, whose blocks add their output to their input.

Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Deep Residual Learning for Image Recognition", 2015,
arXiv:1512.03385. The stride of a bottleneck is in its 3x3 convolution, as in torchvision, and not in its first one.
Residuals initialised at zero: Priya Goyal et al., 2017, arXiv:1706.02677.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.global_pools import GlobalAveragePool
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.whitening import Whitening
from lightning_modules.tasks.image_classifier import ACTIVATIONS, ImageClassifier, numbered

# Blocks of each stage: section 4.2 of the paper (6n + 2 layers for CIFAR) and its table 1.
CIFAR = {20: (3, 3, 3), 32: (5, 5, 5), 44: (7, 7, 7), 56: (9, 9, 9), 110: (18, 18, 18)}
IMAGENET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
BOTTLENECKS = (50, 101, 152)

Factory = Callable[..., nn.Module]


class ZeroShortcut(nn.Module):
    """Shortcut without parameters: every `stride`-th pixel, and zeros for additional channels.

    Args:
        new_channels: Number of additional channels.
        stride: Distance of the pixels that are kept.
    """

    def __init__(self, new_channels: int, stride: int) -> None:
        super().__init__()
        self.new_channels = new_channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, C + new_channels, H / stride, W / stride] of [B, C, H, W]."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions of the same width, added to a shortcut.

    Args:
        channels: Channels of the input.
        width: Channels of the convolutions.
        stride: Stride of the first convolution.
        shortcut: Converts the input to the shape of the output.
        norm: Makes a norm for a number of channels.
        activation: Makes the activation function.
    """

    expansion = 1

    def __init__(
        self, channels: int, width: int, stride: int, shortcut: nn.Module, norm: Factory, activation: Factory
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = norm(width)
        self.downsample = shortcut
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, width, H / stride, W / stride] of [B, channels, H, W]."""
        residual = self.activation(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        return self.activation(self.downsample(x) + residual)


class Bottleneck(nn.Module):
    """A 1x1 convolution to `width` channels, a 3x3 one, and a 1x1 one to four times as many, added to a shortcut.

    Args:
        channels: Channels of the input.
        width: Channels of the 3x3 convolution.
        stride: Stride of the 3x3 convolution.
        shortcut: Converts the input to the shape of the output.
        norm: Makes a norm for a number of channels.
        activation: Makes the activation function.
    """

    expansion = 4

    def __init__(
        self, channels: int, width: int, stride: int, shortcut: nn.Module, norm: Factory, activation: Factory
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = norm(4 * width)
        self.downsample = shortcut
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, 4 width, H / stride, W / stride] of [B, channels, H, W]."""
        residual = self.activation(self.bn1(self.conv1(x)))
        residual = self.activation(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        return self.activation(self.downsample(x) + residual)


class ResNet(ImageClassifier):
    """ResNet-20 to 110 for CIFAR, ResNet-18 to 152 for ImageNet, or any number of basic blocks.

    Each stage after the first halves the size of the maps and doubles the channels.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        depth: 20, 32, 44, 56 or 110 for small images; 18, 34, 50, 101 or 152 for ImageNet.
        blocks: Number of basic blocks of each stage, instead of a depth; other defaults are then those of CIFAR.
        width: Channels of the first stage; 16 (CIFAR) or 64 (ImageNet) if not given.
        stem: First layers: `cifar` is a 3x3 convolution, `imagenet` a 7x7 one of stride 2 and a max pooling;
            `whitening` is a fixed layer that whitens 2x2 patches, a 3x3 convolution and a 2x2 max pooling; set by the
            depth if not given.
        shortcut: Where the shape changes, the shortcut is padded with `zeros` (CIFAR), or is a `projection`, a 1x1
            convolution (ImageNet); set by the depth if not given.
        activation: Activation function.
        dropout: Probability of dropping an input of the last layer in training.
        zero_init_residual: Initialise the scale of the last norm of every block as 0, so the block equals its shortcut.
        norm_momentum: Weight of the latest batch in the running statistics of batch norms.
        norm_epsilon: Added to the variance in batch norms.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The settings of blocks are invalid, or there are too many stages for the image.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        depth: Literal[20, 32, 44, 56, 110, 18, 34, 50, 101, 152] | None = None,
        blocks: list[int] | None = None,
        width: int | None = None,
        stem: Literal["imagenet", "cifar", "whitening"] | None = None,
        shortcut: Literal["zeros", "projection"] | None = None,
        activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid"] = "relu",
        dropout: float = 0.0,
        zero_init_residual: bool = False,
        norm_momentum: float = 0.1,
        norm_epsilon: float = 1e-5,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        for_imagenet = depth in IMAGENET
        blocks = _blocks(depth, blocks)
        width = (64 if for_imagenet else 16) if width is None else width
        if min(width, *blocks) < 1:
            raise InputError("ResNet: width and blocks are at least 1")
        stem = stem or ("imagenet" if for_imagenet else "cifar")
        shortcut = shortcut or ("projection" if for_imagenet else "zeros")
        halvings = len(blocks) - 1 + {"imagenet": 2, "cifar": 0, "whitening": 0}[stem]
        least = 2**halvings // 2 + 1  # odd sizes are rounded up; the input of the last halving must have two pixels
        if stem == "whitening":  # removes a pixel, and its pooling rounds down
            halvings, least = halvings + 1, 2 * least + 1
        if image_size < least:
            raise InputError(f"ResNet: {halvings} halvings need images of {least} pixels, not {image_size}")

        check_range("model.norm_momentum", norm_momentum, most=1)
        check_range("model.norm_epsilon", norm_epsilon, above=True)
        norm = partial(nn.BatchNorm2d, eps=norm_epsilon, momentum=norm_momentum)
        self.whitening = nn.Sequential()
        if stem == "whitening":
            self.whitening.extend([Whitening(in_channels), ACTIVATIONS[activation]()])
            in_channels = self.whitening[0].out_channels
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
            self.maxpool = nn.MaxPool2d(2) if stem == "whitening" else nn.Identity()
        self.bn1 = norm(width)
        self.activation = ACTIVATIONS[activation]()
        block = Bottleneck if depth in BOTTLENECKS else BasicBlock
        channels = width
        self.stages = nn.ModuleList()
        for number, count in enumerate(blocks):
            stage = nn.Sequential()
            for stride in [1 if number == 0 else 2] + [1] * (count - 1):
                new_channels = block.expansion * width - channels
                if stride == 1 and new_channels == 0:
                    shorter: nn.Module = nn.Identity()
                elif shortcut == "zeros":
                    shorter = ZeroShortcut(new_channels, stride)
                else:
                    projection = nn.Conv2d(channels, block.expansion * width, 1, stride, bias=False)
                    shorter = nn.Sequential(projection, norm(block.expansion * width))
                stage.append(block(channels, width, stride, shorter, norm, ACTIVATIONS[activation]))
                channels = block.expansion * width
            self.stages.append(stage)  # [B, channels, size / 2 ** number, same], of the stem's size
            width *= 2
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

        initialize(self, "he", scale=1.0)
        if zero_init_residual:
            for module in self.stages.modules():
                if isinstance(module, block):
                    nn.init.zeros_((module.bn3 if block is Bottleneck else module.bn2).weight)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        x = self.maxpool(self.activation(self.bn1(self.conv1(self.whitening(images)))))
        for stage in self.stages:
            x = stage(x)
        return self.fc(self.dropout(x.mean((2, 3))))

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `stem`, `stages.0` and so on, `pool`, `classifier`."""
        stem = nn.Sequential(self.whitening, self.conv1, self.bn1, self.activation, self.maxpool)
        classifier = nn.Sequential(self.dropout, self.fc)
        return {"stem": stem, **numbered("stages", self.stages), "pool": GlobalAveragePool(), "classifier": classifier}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.fc]

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights, whose stages are `layer1` and so on, under this network's names."""
        return {re.sub(r"^layer(\d)", lambda n: f"stages.{int(n[1]) - 1}", key): weights[key] for key in weights}


def _blocks(depth: int | None, blocks: list[int] | None) -> list[int]:
    """Returns the number of blocks of each stage."""
    if depth is not None:
        if blocks:
            raise InputError("ResNet: depth already sets blocks: give only one of them")
        return list((CIFAR | IMAGENET)[depth])
    if not blocks:
        raise InputError("ResNet: give depth (20, 32, 44, 56, 110, 18, 34, 50, 101 or 152), or blocks")
    return blocks
