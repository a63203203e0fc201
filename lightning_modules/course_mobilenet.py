"""The MobileNet of an online course's notebook.

Andrew G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861; the course's network has no batch norm, one width, and max pooling instead of strides.
"""

from typing import Any

from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.task import without


class CourseMobileNet(ImageClassifier):
    """A convolution, then two pairs of separable convolutions; a max pooling follows each of these three parts.

    A separable convolution is one 3x3 filter per channel and a 1x1 convolution, each with bias and ReLU.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        width: Channels of every convolution.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The width is less than 1, or the image is too small.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        width: int = 32,
        initializer: Initializer = "xavier",
        initializer_scale: float = 0.02,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if width < 1:
            raise InputError(f"CourseMobileNet: width is {width}: it is at least 1")
        if image_size < 8:
            raise InputError(f"CourseMobileNet: 3 poolings need images of 8 pixels, not {image_size}")

        self.features = nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        for _ in range(2):
            for _ in range(2):
                depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
                self.features.extend([depthwise, nn.ReLU(), nn.Conv2d(width, width, 1), nn.ReLU()])
            self.features.append(nn.MaxPool2d(2))  # [B, width, size / 4, size / 4], then size / 8
        self.classifier = nn.Linear(width * (image_size // 8) ** 2, num_classes)

        initialize(self, initializer, initializer_scale)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.groups > 1:
                _initialize_channels(layer, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.features(images).flatten(1))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier]


def _initialize_channels(depthwise: nn.Conv2d, initializer: Initializer, scale: float) -> None:
    """Initialises each channel's filter as a separate convolution, as in the course: its fan_out is 9."""
    for weight in depthwise.weight.data:
        single = nn.Conv2d(1, 1, depthwise.kernel_size)
        initialize(single, initializer, scale)
        weight.copy_(single.weight.data[0])
