"""LeNet-5 as published, and in the modern form of textbooks.

Yann LeCun, Léon Bottou, Yoshua Bengio and Patrick Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE, 1998. Batch normalisation: Sergey Ioffe and Christian Szegedy, 2015, arXiv:1502.03167.
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ACTIVATIONS, ImageClassifier
from lightning_modules.tasks.task import without

# table I of the paper: the maps of S2 that are inputs of each map of C3
TABLE = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# images of the ten digits, 7 by 12 pixels: the codes that F6 learns to output
DIGITS = """
    ..###.. ...##.. .#####. ######. ....##. ####### ..####. ####### .#####. .#####.
    .#####. ..###.. ####### ####### ...###. ####### .#####. ####### ####### #######
    ##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
    ##...## ...##.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
    ##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
    ##...## ...##.. ....##. ..####. .##.##. ######. ######. ....##. .#####. #######
    ##...## ...##.. ...##.. ..####. ##..##. .###### ####### ...##.. .#####. .######
    ##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
    ##...## ...##.. .##.... .....## ####### .....## ##...## ..##... ##...## .....##
    ##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
    .#####. .###### ####### ####### ....##. ####### ####### ..##... ####### .#####.
    ..###.. .###### ####### ######. ....##. ######. .#####. ..##... .#####. .####..
"""


class Subsampling(nn.Module):
    """Sums each 2x2 patch, multiplied by a trained coefficient per map, plus a trained bias per map.

    Args:
        channels: Number of maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(_uniform(channels, 1, 1, fan_in=4))
        self.bias = nn.Parameter(_uniform(channels, fan_in=4))

    def forward(self, x: Tensor) -> Tensor:
        """Returns maps [B, C, H / 2, W / 2] of maps [B, C, H, W]."""
        # four times the mean: exporters lose the divisor of 1 that would give the sum at once
        return 4 * F.avg_pool2d(x, 2) * self.coefficient + self.bias[:, None, None]


class TableConvolution(nn.Module):
    """5x5 convolution from 6 to 16 maps, each connected only to the input maps listed in `TABLE`."""

    def __init__(self) -> None:
        super().__init__()
        outputs = torch.tensor([output for output, inputs in enumerate(TABLE) for _ in inputs])
        inputs = torch.tensor([number for inputs in TABLE for number in inputs])
        self.register_buffer("outputs", outputs, persistent=False)
        self.register_buffer("inputs", inputs, persistent=False)
        fan_in = 25 * torch.tensor([len(inputs) for inputs in TABLE])
        self.weight = nn.Parameter(_uniform(60, 5, 5, fan_in=fan_in[outputs, None, None]))
        self.bias = nn.Parameter(_uniform(16, fan_in=fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """Returns maps [B, 16, H - 4, W - 4] of maps [B, 6, H, W]."""
        weight = self.weight.new_zeros(16, 6, 5, 5)
        weight[self.outputs, self.inputs] = self.weight
        return F.conv2d(x, weight, self.bias)


class LeNet5(ImageClassifier):
    """LeNet-5 as in the paper: trained subsampling, partly connected maps, scaled tanh, distances to fixed codes.

    The logit of a class is the negative squared distance between the 84 outputs of F6 and the code of the class, of -1
    and +1. The codes of ten classes are images of the digits; those of another number K are random, with K as the
    seed. All weights and biases are initialised uniformly within 2.4 / fan_in.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data. Images of 28 are padded to 32 by
            repeating the outermost pixels, so the background continues whatever the normalisation.
        loss: `mse`, the mean squared distance to the true class's code (equation 8 of the paper), or `map`, which also
            increases the distance to the other codes (equation 9).
        rubbish: Constant j of equation 9 (`map` only): the gradient of codes at a much larger distance is about 0.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The images have another size.
    """

    constant_buffers = ("codes",)

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 1,
        image_size: int = 28,
        loss: Literal["map", "mse"] = "map",
        rubbish: float = 0.1,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if image_size not in (28, 32):
            raise InputError(f"LeNet5: takes images of 28 or 32 pixels, not {image_size}; ModernLeNet5 takes others")
        self.frame = (32 - image_size) // 2
        self.loss_kind = loss  # `loss` is the method
        check_range("model.rubbish", rubbish)
        self.rubbish = rubbish

        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = TableConvolution()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        for layer in (self.c1, self.c5, self.f6):
            bound = 2.4 / layer.weight[0].numel()
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(layer.bias, -bound, bound)
        self.register_buffer("codes", _codes(num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        x = F.pad(images, [self.frame] * 4, mode="replicate")  # [B, in_channels, 32, 32]
        x = _squash(self.c1(x))  # [B, 6, 28, 28]
        x = _squash(self.s2(x))  # [B, 6, 14, 14]
        x = _squash(self.c3(x))  # [B, 16, 10, 10]
        x = _squash(self.s4(x))  # [B, 16, 5, 5]
        x = _squash(self.c5(x)).flatten(1)  # [B, 120]
        x = _squash(self.f6(x))  # [B, 84]
        return -(x.float()[:, None] - self.codes).square().sum(2)

    def output_weights(self) -> list[nn.Parameter]:
        """Returns none: the outputs are distances to fixed codes."""
        return []

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the mean loss of a batch, equation 8 or 9 of the paper.

        Args:
            logits: float32 [B, K], the negative distances.
            targets: int64 [B].
            label_smoothing: Part of the target distribution that is spread evenly over all classes.
        """
        right = logits.gather(1, targets[:, None]).squeeze(1)
        right = (1 - label_smoothing) * right + label_smoothing * logits.mean(1)
        if self.loss_kind == "mse":
            return -right.mean()
        rubbish = logits.new_full((len(logits), 1), -self.rubbish)
        return (torch.cat([logits, rubbish], 1).logsumexp(1) - right).mean()


class ModernLeNet5(ImageClassifier):
    """LeNet-5 as in textbooks: full connections, plain pooling, any activation function, softmax.

    Two 5x5 convolutions with 2x2 pooling, then three dense layers.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data. Images smaller than 32 are padded by two
            pixels on each side, which makes 28 the paper's 32.
        widths: Channels of the two convolutions and units of the two dense layers.
        batch_norm: Use batch normalisation after each layer but the last, before its activation.
        activation: The nonlinearity (at the time of the paper: tanh or sigmoid).
        pool: Pooling after each convolution's activation: `max`, or `average`, as at the time of the paper.
        dropout: Probability of dropping an input of a dense layer in training.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: There are not four widths, or the image is too small.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 1,
        image_size: int = 28,
        widths: list[int] = [6, 16, 120, 84],  # noqa: B006 (never changed)
        batch_norm: bool = False,
        activation: Literal["relu", "gelu", "silu", "tanh", "sigmoid"] = "relu",
        pool: Literal["max", "average"] = "max",
        dropout: float = 0.0,
        initializer: Initializer = "he",
        initializer_scale: float = 0.02,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        if len(widths) != 4 or min(widths) < 1:
            raise InputError(f"ModernLeNet5: widths {widths}: two convolutions and two dense layers, each at least 1")
        if image_size < 12:
            raise InputError(f"ModernLeNet5: two 5x5 convolutions need images of 12 pixels, not {image_size}")
        self.frame = 2 if image_size < 32 else 0

        bias = not batch_norm
        pooling = nn.MaxPool2d if pool == "max" else nn.AvgPool2d
        self.features = nn.Sequential()  # [B, 6, 14, 14], then [B, 16, 5, 5]
        channels = in_channels
        for width in widths[:2]:
            self.features.append(nn.Conv2d(channels, width, 5, bias=bias))
            if batch_norm:
                self.features.append(nn.BatchNorm2d(width))
            self.features.extend([ACTIVATIONS[activation](), pooling(2)])
            channels = width

        side = ((image_size + 2 * self.frame - 4) // 2 - 4) // 2
        units = channels * side**2
        self.classifier = nn.Sequential(nn.Flatten())
        for width in widths[2:]:
            self.classifier.extend([nn.Dropout(dropout), nn.Linear(units, width, bias=bias)])
            if batch_norm:
                self.classifier.append(nn.BatchNorm1d(width))
            self.classifier.append(ACTIVATIONS[activation]())
            units = width
        self.classifier.extend([nn.Dropout(dropout), nn.Linear(units, num_classes)])
        initialize(self, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        images = F.pad(images, [self.frame] * 4, mode="replicate")
        return self.classifier(self.features(images))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]


def _squash(x: Tensor) -> Tensor:
    """Returns the paper's scaled tanh, which is 1 at 1 and -1 at -1, where its second derivative is largest."""
    return 1.7159 * torch.tanh(2 / 3 * x)


def _uniform(*shape: int, fan_in: Tensor | int) -> Tensor:
    """Returns a tensor with uniformly random values within 2.4 / fan_in."""
    return torch.empty(shape).uniform_(-2.4, 2.4) / fan_in


def _codes(num_classes: int) -> Tensor:
    """Returns codes of -1 and +1, float32 [num_classes, 84]: images of digits for ten classes, else random."""
    if num_classes == 10:
        rows = [line.split() for line in DIGITS.split("\n") if line.strip()]
        pictures = ["".join(row[digit] for row in rows) for digit in range(10)]
        return torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in picture] for picture in pictures])
    generator = torch.Generator().manual_seed(num_classes)
    return 2.0 * torch.randint(2, (num_classes, 84), generator=generator, device="cpu") - 1
