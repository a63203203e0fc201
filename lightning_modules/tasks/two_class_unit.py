"""The base class of single-unit classifiers of two classes."""

from typing import Any

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.task import without


class TwoClassUnit(ImageClassifier):
    """A linear unit whose output is the logit of class 1; a subclass defines the loss.

    Args:
        num_classes: Number of classes, which is 2.
        in_channels: Channels of the images.
        image_size: Height and width of the images.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: There are not two classes.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        image_size: int,
        initializer: Initializer,
        initializer_scale: float,
        **training: Any,
    ) -> None:
        if num_classes != 2:
            raise InputError(
                f"{type(self).__name__} separates 2 classes, and the data has {num_classes}: choose two, by "
                "--data.classes where the data has it, or use lightning_modules.SoftmaxRegression"
            )
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.linear = nn.Linear(in_channels * image_size**2, 1)
        initialize(self.linear, initializer, initializer_scale)

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the unit's weights."""
        return [self.linear.weight]

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, 2] of float images [B, in_channels, image_size, image_size].

        The first logit is 0: the softmax of (0, z) is the logistic function of z, and class 1 is predicted where z > 0.
        """
        z = self.linear(images.flatten(1))  # [B, 1]
        return torch.cat([torch.zeros_like(z), z], dim=1)
