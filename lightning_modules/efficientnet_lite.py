"""EfficientNet-Lite: inverted residual blocks, scaled in width and depth together, with ReLU6 alone.

Mingxing Tan and Quoc Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019,
arXiv:1905.11946. The Lite versions have no squeeze and excitation and no Swish, and keep the first and the last layers
at their width: Renjie Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020, blog.tensorflow.org.
"""

import math
from typing import Any, Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.global_pools import GlobalAveragePool
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.mobile_sizes import check_sizes, rounded
from lightning_modules.tasks.image_classifier import ImageClassifier, numbered


class Scale(NamedTuple):
    """What a version differs in.

    Attributes:
        width: Factor on the channels of the blocks.
        depth: Factor on the number of blocks of a stage.
        dropout: Probability of dropping an input of the dense layer in training.
    """

    width: float
    depth: float
    dropout: float


Version = Literal["lite0", "lite1", "lite2", "lite3", "lite4"]
SCALES: dict[Version, Scale] = {
    "lite0": Scale(1.0, 1.0, 0.2),
    "lite1": Scale(1.0, 1.1, 0.2),
    "lite2": Scale(1.1, 1.2, 0.3),
    "lite3": Scale(1.2, 1.4, 0.3),
    "lite4": Scale(1.4, 1.8, 0.3),
}
# expansion, channels, blocks, kernel and stride of each stage of lite0
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
FIRST, LAST = 32, 1280  # channels of the first and of the last convolution, in all versions
THEIRS = {  # names in the files of the packages that hold trained weights
    "_conv_stem": "stem.0",
    "_bn0": "stem.1",
    "_conv_head": "top.0",
    "_bn1": "top.1",
    "_fc": "classifier.1",
}
THEIRS_IN_BLOCK = {
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depthwise.0",
    "_bn1": "depthwise.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}


class SameConv2d(nn.Conv2d):
    """A convolution whose output has a stride-th of the sides of its input, rounded up, as TensorFlow pads.

    Where padding cannot be even, there is one pixel more below and on the right.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, out_channels, H / stride, W / stride] of [B, in_channels, H, W]."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return F.conv2d(x, self.weight, self.bias, 1, kernel // 2, groups=self.groups)
        h, w = (max(0, (math.ceil(side / stride) - 1) * stride + kernel - side) for side in x.shape[2:])
        x = F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))
        return F.conv2d(x, self.weight, self.bias, stride, groups=self.groups)


def convolution(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Returns a convolution and its norm."""
    norm = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.01)
    return [SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False), norm]


class Block(nn.Module):
    """A 1x1 convolution to more channels, a depthwise one, and a linear 1x1 convolution to fewer.

    The input is added if it has the shape of the output.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expansion: Factor on the channels of the depthwise convolution; with 1 there is no first convolution.
        kernel: Height and width of the depthwise convolution.
        stride: Stride of the depthwise convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.residual = stride == 1 and in_channels == out_channels
        self.expand = nn.Sequential()
        if expansion > 1:
            self.expand.extend([*convolution(in_channels, hidden, 1), nn.ReLU6()])
        self.depthwise = nn.Sequential(*convolution(hidden, hidden, kernel, stride, hidden), nn.ReLU6())
        self.project = nn.Sequential(*convolution(hidden, out_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, out_channels, H / stride, W / stride] of [B, in_channels, H, W]."""
        out = self.project(self.depthwise(self.expand(x)))
        return x + out if self.residual else out


class EfficientNetLite(ImageClassifier):
    """EfficientNet-Lite0 to 4, for images of any size.

    Published weights of lite0 to lite2 come as packages: `--weights pretrained:efficientnet_lite0`. They expect images
    with `normalization: lite`, trained at 224, 240, 260, 280 and 300 pixels.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        version: Which of the five.
        head_widths: Widths of dense layers before the last, of which the published networks have none.
        dropout: Probability of dropping an input of a dense layer in training; the version's own if not given.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The images are too small, or a width is.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 224,
        version: Version = "lite0",
        head_widths: list[int] | None = None,
        dropout: float | None = None,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        scale = SCALES[version]
        check_sizes("EfficientNetLite", "imagenet", image_size, scale.width, has_stems=False)
        if min(head_widths or [1]) < 1:
            raise InputError(f"EfficientNetLite: head_widths {head_widths}: each is at least 1")

        self.stem = nn.Sequential(*convolution(in_channels, FIRST, 3, 2), nn.ReLU6())
        self.blocks = nn.Sequential()
        channels = FIRST
        for number, (expansion, n, blocks, kernel, stride) in enumerate(STAGES):
            width = rounded(n * scale.width)
            at_an_end = number in (0, len(STAGES) - 1)
            for block in range(blocks if at_an_end else math.ceil(blocks * scale.depth)):
                self.blocks.append(Block(channels, width, expansion, kernel, stride if block == 0 else 1))
                channels = width
        self.top = nn.Sequential(*convolution(channels, LAST, 1), nn.ReLU6())  # [B, 1280, 7, 7] of 224x224 images
        self.pool = GlobalAveragePool()
        dropout = scale.dropout if dropout is None else dropout
        self.classifier = nn.Sequential(nn.Dropout(dropout))
        features = LAST
        for width in head_widths or []:
            self.classifier.extend([nn.Linear(features, width), nn.ReLU(), nn.Dropout(dropout)])
            features = width
        self.classifier.append(nn.Linear(features, num_classes))

        initialize(self, "he", 0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.pool(self.top(self.blocks(self.stem(images)))))

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `stem`, `blocks.0` and so on, `top`, `pool`, `classifier`."""
        blocks = numbered("blocks", self.blocks)
        return {"stem": self.stem, **blocks, "top": self.top, "pool": self.pool, "classifier": self.classifier}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the weights of the packages that publish them (torchvision has none) under this network's names."""
        return {_renamed(key): value for key, value in weights.items()}


def _renamed(key: str) -> str:
    """Returns a tensor's name in this network."""
    first, *rest = key.split(".")
    if first == "_blocks":
        number, layer, name = rest
        return f"blocks.{number}.{THEIRS_IN_BLOCK[layer]}.{name}" if layer in THEIRS_IN_BLOCK else key
    return ".".join([THEIRS.get(first, first), *rest])
