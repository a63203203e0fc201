"""VGG: stacks of 3x3 convolutions with max pooling between them.

Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015,
arXiv:1409.1556. Batch normalisation: Sergey Ioffe and Christian Szegedy, 2015, arXiv:1502.03167. Residual stages: David
Page, "How to Train Your ResNet", 2018, and Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024, arXiv:2404.00498.
"""

import re
from itertools import pairwise
from typing import Any, Literal

from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.global_pools import GlobalMaxPool
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.layers.pooled_convolution import PooledConv2d
from lightning_modules.layers.scale import Scale
from lightning_modules.layers.whitening import Whitening
from lightning_modules.tasks.image_classifier import ACTIVATIONS, ImageClassifier, numbered

# table 1 of the paper, columns A, B, D and E
WIDTHS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


class Residual(nn.Sequential):
    """Layers whose output is added to their input."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, C, H, W] of [B, C, H, W]."""
        return x + super().forward(x)


class VGG(ImageClassifier):
    """VGG-11 to 19, or any stack of convolution stages, for images of any size.

    Each stage has 3x3 convolutions of the same width and one 2x2 max pooling.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        depth: 11, 13, 16 or 19, with the paper's widths; if not given, set `widths` and `convolutions`.
        widths: Channels of each stage.
        convolutions: Number of convolutions of each stage.
        pool: Position of the pooling in a stage: `last`, as in the paper, or directly after the `first` convolution
            and before its norm, which is much faster.
        residual: Add the input of a stage's second convolution to the output of its last, before the activation; stages
            of one have none.
        batch_norm: Use batch normalisation after each convolution, before the activation.
        norm_momentum: Weight of the latest batch in the running statistics of batch norms.
        norm_epsilon: Added to the variance in batch norms.
        norm_scale: Whether the scale of batch norms is trained.
        whiten: Use a fixed first layer that whitens 2x2 patches of the images.
        whiten_bias: Whether the whitening layer has a trained bias.
        convolution_bias: Whether convolutions have biases; if not given, only without batch norm.
        activation: Activation function.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        head_initializer: Initialiser of the dense layers; `initializer` if not given.
        head: Conversion of the last maps to a vector: `flatten`, or their `average` or `max` over all positions.
        head_widths: Widths of dense layers before the last (the paper: 4096, 4096).
        dropout: Probability of dropping an input of a dense layer in training.
        logit_scale: Constant factor on the logits.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The stages do not fit together, or there are too many for the image.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        depth: Literal[11, 13, 16, 19] | None = None,
        widths: list[int] | None = None,
        convolutions: list[int] | None = None,
        pool: Literal["first", "last"] = "last",
        residual: bool = False,
        batch_norm: bool = True,
        norm_momentum: float = 0.1,
        norm_epsilon: float = 1e-5,
        norm_scale: bool = True,
        whiten: bool = False,
        whiten_bias: bool = False,
        convolution_bias: bool | None = None,
        activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid"] = "relu",
        initializer: Initializer = "he",
        initializer_scale: float = 0.02,
        head_initializer: Initializer | None = None,
        head: Literal["flatten", "average", "max"] = "flatten",
        head_widths: list[int] | None = None,
        dropout: float = 0.0,
        logit_scale: float = 1.0,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        widths, convolutions = _stages(depth, widths, convolutions)
        if image_size - whiten < 2 ** len(widths):
            least = 2 ** len(widths) + whiten
            raise InputError(f"VGG: {len(widths)} poolings need images of {least} pixels, not {image_size}")
        if min(head_widths or [1]) < 1:
            raise InputError(f"VGG: head_widths {head_widths}: each is at least 1")
        check_range("model.norm_momentum", norm_momentum, most=1)
        check_range("model.norm_epsilon", norm_epsilon, above=True)
        self.logit_scale = logit_scale

        bias = not batch_norm if convolution_bias is None else convolution_bias
        self.whitening = nn.Sequential()
        channels, side = in_channels, image_size
        if whiten:
            self.whitening.extend([Whitening(in_channels, bias=whiten_bias), ACTIVATIONS[activation]()])
            channels, side = self.whitening[0].out_channels, image_size - 1
        self.stages = nn.ModuleList()
        for width, count in zip(widths, convolutions, strict=True):
            stage = layers = nn.Sequential()
            for number in range(count):
                if residual and number == 1:
                    layers = Residual()
                    stage.append(layers)
                if pool == "first" and number == 0:
                    layers.extend([PooledConv2d(channels, width, bias=bias), nn.MaxPool2d(2)])
                else:
                    layers.append(nn.Conv2d(channels, width, 3, padding=1, bias=bias))
                if batch_norm:
                    norm = nn.BatchNorm2d(width, eps=norm_epsilon, momentum=norm_momentum)
                    norm.weight.requires_grad_(norm_scale)
                    layers.append(norm)
                if number == count - 1:
                    layers = stage  # the activation follows the sum
                layers.append(ACTIVATIONS[activation]())
                channels = width
            if pool == "last":
                stage.append(nn.MaxPool2d(2))
            self.stages.append(stage)  # [B, width, size / 2, size / 2]

        side //= 2 ** len(widths)
        features = channels * side**2 if head == "flatten" else channels
        shrink = {
            "flatten": nn.Identity,
            "average": lambda: nn.AdaptiveAvgPool2d(1),
            "max": GlobalMaxPool,
        }
        self.classifier = nn.Sequential(shrink[head](), nn.Flatten())  # [B, features]
        for width in head_widths or []:
            self.classifier.extend([nn.Dropout(dropout), nn.Linear(features, width), ACTIVATIONS[activation]()])
            features = width
        self.classifier.extend([nn.Dropout(dropout), nn.Linear(features, num_classes)])

        initialize(self.stages, initializer, initializer_scale)
        initialize(self.classifier, head_initializer or initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        x = self.whitening(images)
        for stage in self.stages:
            x = stage(x)
        return self.classifier(x) * self.logit_scale

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `whitening`, `stages.0` and so on, `classifier.0` and so on."""
        stages, classifier = numbered("stages", self.stages), numbered("classifier", self.classifier)
        scale = {} if self.logit_scale == 1 else {"scale": Scale(self.logit_scale)}
        return {"whitening": self.whitening, **stages, **classifier, **scale}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights under this network's names, if it has layers of the same kinds."""
        theirs = [key.removesuffix(".weight") for key in weights if re.fullmatch(r"features\.\d+\.weight", key)]
        layers = {f"stages.{n}": m for n, m in self.stages.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)}
        if [weights[f"{name}.weight"].ndim for name in theirs] != [layer.weight.ndim for layer in layers.values()]:
            return weights
        ours = dict(zip(theirs, layers, strict=True))
        ours |= {
            f"classifier.{n}": f"classifier.{n + 3}" for n in (0, 3, 6)
        }  # three layers come before the first dense layer here
        renamed = {re.sub(r"^\w+\.\d+", lambda n: ours.get(n[0], n[0]), key): weights[key] for key in weights}
        for conv, norm in pairwise(layers):
            bias, mean = f"{conv}.bias", f"{norm}.running_mean"
            # a norm cancels the bias of the convolution before it; without the bias, the mean is smaller by it
            given = {bias, mean} <= renamed.keys() and renamed[bias].shape == renamed[mean].shape
            if layers[conv].bias is None and given:
                renamed[mean] = renamed[mean] - renamed.pop(bias)
        return renamed


def _stages(depth: int | None, widths: list[int] | None, convolutions: list[int] | None) -> tuple[list[int], list[int]]:
    """Returns the width and the number of convolutions of each stage."""
    if depth is not None:
        if widths or convolutions:
            raise InputError("VGG: depth already sets widths and convolutions: give either depth or those two")
        return list(WIDTHS), list(CONVOLUTIONS[depth])
    if not widths or not convolutions:
        raise InputError("VGG: give depth (11, 13, 16 or 19), or both widths and convolutions")
    if len(widths) != len(convolutions):
        raise InputError(
            f"VGG: {len(widths)} widths and {len(convolutions)} convolutions: as many as stages are needed"
        )
    if min(*widths, *convolutions) < 1:
        raise InputError("VGG: widths and convolutions are at least 1")
    return widths, convolutions
