"""MobileNetV2: inverted residual blocks, narrow at both ends with a wide depthwise convolution between.

Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov and Liang-Chieh Chen, "MobileNetV2: Inverted Residuals and
Linear Bottlenecks", 2018, arXiv:1801.04381. Dropout and the rounding of widths are as in the authors' code.
"""

from typing import Any, Literal

from torch import Tensor, nn

from lightning_modules.layers.global_pools import GlobalAveragePool
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.mobile_sizes import check_sizes, rounded
from lightning_modules.layers.whitening import WhiteningStem
from lightning_modules.tasks.image_classifier import ImageClassifier, numbered

# expansion, channels, blocks and stride of each stage, table 2 of the paper
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def unit(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Returns a convolution with norm and ReLU6."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """A 1x1 convolution to more channels, a depthwise 3x3 convolution, and a linear 1x1 convolution to fewer.

    The input is added if it has the shape of the output.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        expansion: Factor on the channels of the depthwise convolution; with 1 there is no first convolution.
        stride: Stride of the depthwise convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.residual = stride == 1 and in_channels == out_channels
        self.conv = nn.Sequential(
            *([] if expansion == 1 else [unit(in_channels, hidden, 1)]),
            unit(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, out_channels, H / stride, W / stride] of [B, in_channels, H, W]."""
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(ImageClassifier):
    """MobileNetV2, for images of any size.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        width_multiplier: Factor on the numbers of channels, which are rounded to multiples of 8; for the last
            convolution at least 1, as in the paper.
        stem: Where the image is halved: five times, beginning with the first convolution, for `imagenet`; `cifar` omits
            the first two halvings, and `whitening` the second; its first layers are a fixed one that whitens 2x2
            patches, a 3x3 convolution and a 2x2 max pooling.
        dropout: Probability of dropping an input of the dense layer in training.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The images are too small, or `width_multiplier` is.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 224,
        width_multiplier: float = 1.0,
        stem: Literal["imagenet", "cifar", "whitening"] = "imagenet",
        dropout: float = 0.2,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        check_sizes("MobileNetV2", stem, image_size, width_multiplier)

        channels = rounded(32 * width_multiplier)
        if stem == "whitening":
            self.features = nn.Sequential(WhiteningStem(in_channels, channels, nn.ReLU6))
        else:
            self.features = nn.Sequential(unit(in_channels, channels, 3, 2 if stem == "imagenet" else 1))
        for number, (expansion, n, blocks, stride) in enumerate(STAGES):
            width = rounded(n * width_multiplier)
            for block in range(blocks):
                halve = stride == 2 and block == 0 and (stem == "imagenet" or number != 1)
                self.features.append(InvertedResidual(channels, width, expansion, 2 if halve else 1))
                channels = width
        last = rounded(1280 * max(1.0, width_multiplier))
        self.features.append(unit(channels, last, 1))
        # [B, last, 7, 7] for 224x224 images (imagenet), 4x4 for 32x32 (cifar), 2x2 (whitening)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))

        initialize(self, "he", 0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.features(images).mean((2, 3)))

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `features.0` and so on, `pool`, `classifier`."""
        return numbered("features", self.features) | {"pool": GlobalAveragePool(), "classifier": self.classifier}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]
