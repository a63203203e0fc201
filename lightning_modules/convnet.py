"""A plain convolutional network: stages of convolution and max pooling, then dense layers.

Yann LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation, 1989; max pooling:
Weng et al., "Cresceptron", 1992. Batch normalisation: Sergey Ioffe and Christian Szegedy, 2015, arXiv:1502.03167.
"""

from typing import Any, Literal

from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ACTIVATIONS, ImageClassifier


class ConvNet(ImageClassifier):
    """Stages of one convolution, which keeps the size of the image, and one 2x2 max pooling, which halves it.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        widths: Channels of each stage.
        kernel_size: Height and width of the convolutions; odd.
        batch_norm: Use batch normalisation after each layer but the last, before its activation.
        activation: Activation function.
        head_widths: Units of dense layers before the last.
        dropout: Probability of dropping an input of the last layer in training.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        initial_bias: Initial value of the biases.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: There are too many stages for the image, or the kernel size is even.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        widths: list[int] = [32, 32, 32],  # noqa: B006 (never changed)
        kernel_size: int = 3,
        batch_norm: bool = False,
        activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid"] = "relu",
        head_widths: list[int] | None = None,
        dropout: float = 0.0,
        initializer: Initializer = "he",
        initializer_scale: float = 0.02,
        initial_bias: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        if not widths or any(width < 1 for width in [*widths, *(head_widths or [])]):
            raise InputError(
                f"ConvNet: widths {widths}, head_widths {head_widths}: at least one stage, each at least 1"
            )
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise InputError(f"ConvNet: kernel_size is {kernel_size}: an odd number keeps the size of the image")
        if image_size < 2 ** len(widths):
            raise InputError(
                f"ConvNet: {len(widths)} poolings need images of {2 ** len(widths)} pixels, not {image_size}"
            )

        self.stages = nn.ModuleList()
        channels = in_channels
        for width in widths:
            stage = nn.Sequential(
                nn.Conv2d(channels, width, kernel_size, padding=kernel_size // 2, bias=not batch_norm)
            )
            if batch_norm:
                stage.append(nn.BatchNorm2d(width))
            stage.extend([ACTIVATIONS[activation](), nn.MaxPool2d(2)])
            self.stages.append(stage)  # [B, width, size / 2, size / 2]
            channels = width

        features = channels * (image_size // 2 ** len(widths)) ** 2
        self.classifier = nn.Sequential(nn.Flatten())  # [B, features]
        for width in head_widths or []:
            self.classifier.append(nn.Linear(features, width, bias=not batch_norm))
            if batch_norm:
                self.classifier.append(nn.BatchNorm1d(width))
            self.classifier.append(ACTIVATIONS[activation]())
            features = width
        self.classifier.extend([nn.Dropout(dropout), nn.Linear(features, num_classes)])

        initialize(self, initializer, initializer_scale)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
                nn.init.constant_(layer.bias, initial_bias)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        x = images
        for stage in self.stages:
            x = stage(x)
        return self.classifier(x)

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]
