"""A dense adversarial network.

Ian Goodfellow et al., "Generative Adversarial Nets", 2014, arXiv:1406.2661.
"""

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.tasks.adversarial import AdversarialTask
from lightning_modules.tasks.task import without


class DenseGenerator(nn.Module):
    """Dense layers from noise to the pixels of a picture.

    Args:
        noise_size: Numbers of noise.
        num_classes: Number of classes, whose codes are added to the noise; 0 without classes.
        widths: Widths of the hidden layers.
        shape: Channels, height and width of the pictures.
        slope: Slope of leaky ReLU below 0.
    """

    def __init__(
        self, noise_size: int, num_classes: int, widths: list[int], shape: tuple[int, int, int], slope: float
    ) -> None:
        super().__init__()
        self.codes = nn.Embedding(num_classes, noise_size) if num_classes else None
        self.shape = shape
        pixels = shape[0] * shape[1] * shape[2]
        self.layers = dense(noise_size, widths, pixels, slope)

    def forward(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Returns pictures [B, C, H, W] from -1 to 1, of noise [B, Z] and classes [B]."""
        if self.codes is not None:
            noise = noise + self.codes(classes)
        return self.layers(noise).tanh().unflatten(1, self.shape)


class DenseDiscriminator(nn.Module):
    """Dense layers from the pixels of a picture to a score.

    Args:
        pixels: Numbers of a picture.
        num_classes: Number of classes, which have a score of their own each; 0 without classes.
        widths: Widths of the hidden layers.
        slope: Slope of leaky ReLU below 0.
    """

    def __init__(self, pixels: int, num_classes: int, widths: list[int], slope: float) -> None:
        super().__init__()
        self.layers = dense(pixels, widths, max(1, num_classes), slope)

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Returns scores [B] of pictures [B, C, H, W] of classes [B]."""
        scores = self.layers(images.flatten(1))
        return scores[:, 0] if classes is None else scores.gather(1, classes[:, None])[:, 0]


def dense(inputs: int, widths: list[int], outputs: int, slope: float) -> nn.Sequential:
    """Returns dense layers with leaky ReLU between them."""
    layers = nn.Sequential()
    for before, width in pairwise([inputs, *widths]):
        layers.extend([nn.Linear(before, width), nn.LeakyReLU(slope)])
    return layers.append(nn.Linear([inputs, *widths][-1], outputs))


class GAN(AdversarialTask):
    """Two dense networks: a generator of all pixels at once, and a discriminator that sees all of them.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        generator_widths: Widths of the generator's hidden layers.
        discriminator_widths: Widths of the discriminator's hidden layers.
        slope: Slope of leaky ReLU below 0.
        training: What `AdversarialTask` takes, such as `loss`, `judge` and `optimizer`.

    Raises:
        InputError: A width is below 1.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        in_channels: int = 1,
        image_size: int = 28,
        generator_widths: list[int] = [128],  # noqa: B006 (never changed)
        discriminator_widths: list[int] = [128],  # noqa: B006
        slope: float = 0.01,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(num_classes=num_classes, norm_lr_factor=1.0, **training)
        if min([*generator_widths, *discriminator_widths], default=1) < 1:
            raise InputError("GAN: generator_widths and discriminator_widths are at least 1")
        self.in_channels, self.image_size = in_channels, image_size
        shape = in_channels, image_size, image_size
        classes = num_classes if self.conditional else 0
        made = DenseGenerator(self.noise_size, classes, list(generator_widths), shape, slope)
        judged = DenseDiscriminator(in_channels * image_size**2, classes, list(discriminator_widths), slope)
        self.take_players(made, judged, [made.layers[-1], judged.layers[-1]])
