"""Multilayer perceptron: dense layers with activation functions between them.

David E. Rumelhart, Geoffrey E. Hinton and Ronald J. Williams, "Learning Representations by Back-propagating Errors",
Nature, 1986. Batch normalisation: Sergey Ioffe and Christian Szegedy, 2015, arXiv:1502.03167. Dropout: Nitish
Srivastava et al., JMLR, 2014.
"""

from typing import Any, Literal

from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ACTIVATIONS, ImageClassifier


class MLP(ImageClassifier):
    """Dense layers on the pixels of an image.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        widths: Units of each hidden layer.
        batch_norm: Use batch normalisation in each hidden layer, before its activation.
        activation: Activation function.
        dropout: Probability of dropping a hidden unit in training.
        input_dropout: Probability of dropping a pixel's channel in training.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: A width is less than 1.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        widths: list[int] = [256, 256],  # noqa: B006 (never changed)
        batch_norm: bool = False,
        activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid"] = "relu",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        initializer: Initializer = "he",
        initializer_scale: float = 0.02,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        if any(width < 1 for width in widths):
            raise InputError(f"MLP: widths {widths}: each is at least 1")
        features = in_channels * image_size**2
        self.layers = nn.Sequential(nn.Flatten(), nn.Dropout(input_dropout))  # [B, features]
        for width in widths:
            self.layers.append(nn.Linear(features, width, bias=not batch_norm))
            if batch_norm:
                self.layers.append(nn.BatchNorm1d(width))
            self.layers.extend([ACTIVATIONS[activation](), nn.Dropout(dropout)])
            features = width
        self.layers.append(nn.Linear(features, num_classes))
        initialize(self.layers, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.layers(images)

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.layers[-1]]
