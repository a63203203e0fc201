"""Softmax regression (multinomial logistic regression): one dense layer on the pixels.

John S. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", in Neurocomputing, 1990.
"""

from typing import Any

from torch import Tensor, nn

from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.task import without


class SoftmaxRegression(ImageClassifier):
    """A linear classifier: weights of the image's size for each class.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        initializer: Initialiser of the weights; by default all are `initializer_scale`.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        initializer: Initializer = "constant",
        initializer_scale: float = 0.0,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.linear = nn.Linear(in_channels * image_size**2, num_classes)
        initialize(self.linear, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.linear(images.flatten(1))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.linear]
