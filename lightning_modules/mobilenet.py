"""MobileNet: depthwise separable convolutions.

Andrew G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861.
"""

from typing import Any, Literal

from torch import Tensor, nn

from lightning_modules.layers.global_pools import GlobalAveragePool
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.mobile_sizes import check_sizes
from lightning_modules.layers.whitening import WhiteningStem
from lightning_modules.tasks.image_classifier import ImageClassifier, numbered

# channels and stride of each separable convolution, table 1 of the paper, where the last stride, 2, is a misprint
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * ((512, 1),), (1024, 2), (1024, 1))


class Separable(nn.Sequential):
    """A depthwise 3x3 convolution and a 1x1 convolution, each with norm and ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Stride of the depthwise convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class MobileNet(ImageClassifier):
    """MobileNet of 28 layers, for images of any size.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        width_multiplier: Factor on the number of channels (the paper: 1, 0.75, 0.5 and 0.25).
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
        dropout: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        check_sizes("MobileNet", stem, image_size, width_multiplier)

        channels = max(1, round(32 * width_multiplier))
        if stem == "whitening":
            self.features = nn.Sequential(WhiteningStem(in_channels, channels))
        else:
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, channels, 3, 2 if stem == "imagenet" else 1, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            )
        for number, (n, stride) in enumerate(BLOCKS):
            width = max(1, round(n * width_multiplier))
            self.features.append(Separable(channels, width, 1 if stem != "imagenet" and number == 1 else stride))
            channels = width
        # [B, channels, 7, 7] for 224x224 images (imagenet), 4x4 for 32x32 (cifar), 2x2 (whitening)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, num_classes))

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
