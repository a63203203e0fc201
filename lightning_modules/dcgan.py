"""DCGAN: an adversarial network of convolutions.

Alec Radford, Luke Metz and Soumith Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", 2016, arXiv:1511.06434. Spectral norm and projection of classes: Takeru Miyato et al., 2018,
arXiv:1802.05957, and Takeru Miyato and Masanori Koyama, 2018, arXiv:1802.05637.
"""

from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.tasks.adversarial import AdversarialTask

LEAST = 4  # pixels of a generator's first maps
Norm = Literal["batch", "spectral", "none"]


def doublings_of(image_size: int) -> int:
    """Returns how often maps are doubled on the way to a picture, beginning with 4 to 7 pixels.

    Raises:
        InputError: No such maps can be doubled to this size.
    """
    count, size = 0, image_size
    while size % 2 == 0 and size // 2 >= LEAST:
        count, size = count + 1, size // 2
    if not count or size >= 2 * LEAST:
        near = sorted({base * 2**power for base in range(LEAST, 2 * LEAST) for power in range(1, 12)})
        sizes = ", ".join(str(size) for size in sorted(near, key=lambda size: abs(size - image_size))[:2])
        raise InputError(f"DCGAN: pictures of {image_size} pixels are not 4 to 7 pixels doubled; sizes near: {sizes}")
    return count


class ConvolutionalGenerator(nn.Module):
    """Transposed convolutions, each of which doubles the maps.

    Args:
        noise_size: Numbers of noise.
        num_classes: Number of classes, whose codes are added to the first maps; 0 without classes.
        width: Channels before the last convolution; twice as many at each size below.
        in_channels: Channels of the pictures.
        image_size: Height and width of the pictures.
        kernel: Side of the kernels.
        norm: Whether maps are normalised by batch.
        running: Whether norms keep running statistics.
        slope: Slope of leaky ReLU below 0; 0 for ReLU.
    """

    def __init__(
        self,
        noise_size: int,
        num_classes: int,
        width: int,
        in_channels: int,
        image_size: int,
        kernel: int,
        norm: bool,
        running: bool,
        slope: float,
    ) -> None:
        super().__init__()
        doublings = doublings_of(image_size)
        self.base = image_size // 2**doublings
        channels = width * 2 ** (doublings - 1)
        self.project = nn.Linear(noise_size, channels * self.base**2, bias=not norm)
        self.codes = nn.Embedding(num_classes, channels * self.base**2) if num_classes else None
        if self.codes is not None:  # of less weight than noise at first, or batch norms would leave nothing of that
            nn.init.normal_(self.codes.weight, std=0.02)
        self.first = nn.Sequential(*_norm(channels, norm, running), nn.LeakyReLU(slope))
        self.layers = nn.Sequential()
        for _ in range(doublings - 1):
            self.layers.append(_doubling(channels, channels // 2, kernel, bias=not norm))
            channels //= 2
            self.layers.extend([*_norm(channels, norm, running), nn.LeakyReLU(slope)])
        self.layers.append(_doubling(channels, in_channels, kernel, bias=True))

    def forward(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Returns pictures [B, C, S, S] from -1 to 1, of noise [B, Z] and classes [B]."""
        maps = self.project(noise)
        if self.codes is not None:
            maps = maps + self.codes(classes)
        maps = maps.view(noise.shape[0], -1, self.base, self.base)
        return self.layers(self.first(maps)).tanh()


class ConvolutionalDiscriminator(nn.Module):
    """Convolutions of stride 2, then a dense layer to a score.

    Args:
        num_classes: Number of classes; 0 without classes.
        width: Channels of the first convolution; each further one has twice as many.
        stages: Number of convolutions.
        in_channels: Channels of the pictures.
        image_size: Height and width of the pictures.
        kernel: Side of the kernels.
        norm: `batch` after convolutions, `spectral` of all weights, or `none`.
        first_norm: Whether the first convolution has a batch norm, too.
        running: Whether batch norms keep running statistics.
        slope: Slope of leaky ReLU below 0.
        logits: 2 for a score that is the difference of two logits, as of a classifier of two classes; else 1.

    Raises:
        InputError: There are more convolutions than halvings.
    """

    def __init__(
        self,
        num_classes: int,
        width: int,
        stages: int,
        in_channels: int,
        image_size: int,
        kernel: int,
        norm: Norm,
        first_norm: bool,
        running: bool,
        slope: float,
        logits: int,
    ) -> None:
        super().__init__()
        if image_size < 2**stages:
            raise InputError(f"DCGAN: {stages} halvings need pictures of {2**stages} pixels, not {image_size}")
        self.layers = nn.Sequential()
        channels, size = in_channels, image_size
        for stage in range(stages):
            outputs = width * 2**stage
            has_norm = norm == "batch" and (first_norm or stage > 0)
            padding = (kernel - 1) // 2
            self.layers.append(nn.Conv2d(channels, outputs, kernel, 2, padding, bias=not has_norm))
            self.layers.extend([*_norm(outputs, has_norm, running), nn.LeakyReLU(slope)])
            channels, size = outputs, (size + 2 * padding - kernel) // 2 + 1
        self.head = nn.Linear(channels * size**2, logits)
        # a class's own direction in the features, which adds to the score
        self.directions = nn.Embedding(num_classes, channels * size**2) if num_classes else None
        if self.directions is not None:
            nn.init.normal_(self.directions.weight, std=0.02)

    def forward(self, images: Tensor, classes: Tensor | None = None) -> Tensor:
        """Returns scores [B] of pictures [B, C, S, S] of classes [B]."""
        features = self.layers(images).flatten(1)
        logits = self.head(features)
        scores = logits[:, -1] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        if self.directions is not None:
            scores = scores + (self.directions(classes) * features).sum(1)
        return scores


def _norm(channels: int, norm: bool, running: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels, track_running_stats=running)] if norm else []


def _doubling(inputs: int, outputs: int, kernel: int, bias: bool) -> nn.ConvTranspose2d:
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, kernel % 2, bias=bias)


class DCGAN(AdversarialTask):
    """A generator of transposed convolutions and a discriminator of convolutions of stride 2, for any size 4·2^k.

    Sizes of 5, 6 or 7 pixels doubled are possible, too, such as MNIST's 28.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        width: Channels of the generator before its last convolution, and of the discriminator after its first.
        generator_width: The generator's alone; `width` if not given.
        stages: Number of the discriminator's convolutions; as many as the generator's if not given.
        kernel: Side of all kernels.
        generator_norm: Whether the generator normalises maps by batch.
        norm: What keeps the discriminator in bounds: `batch` norms, `spectral` norms of weights, or `none`.
        first_norm: Whether the discriminator's first convolution has a batch norm, too.
        running_statistics: Whether batch norms keep running statistics, which make a sample independent of those
            beside it; without them samples are normalised by each other, as in some published code.
        generator_slope: Slope of the generator's leaky ReLU below 0; 0 for ReLU.
        slope: Slope of the discriminator's.
        logits: 2 for a discriminator of two logits, whose difference is the score.
        initializer: `normal` with standard deviation 0.02, as published; `uniform` by the number of inputs, torch's
            own; `xavier` uniform by inputs and outputs.
        training: What `AdversarialTask` takes, such as `loss`, `conditional`, `judge` and `optimizer`.

    Raises:
        InputError: The sizes do not fit together.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        in_channels: int = 3,
        image_size: int = 32,
        width: int = 64,
        generator_width: int | None = None,
        stages: int | None = None,
        kernel: int = 4,
        generator_norm: bool = True,
        norm: Norm = "batch",
        first_norm: bool = False,
        running_statistics: bool = True,
        generator_slope: float = 0.0,
        slope: float = 0.2,
        logits: Literal[1, 2] = 1,
        initializer: Literal["normal", "uniform", "xavier"] = "normal",
        **training: Any,
    ) -> None:
        super().__init__(num_classes=num_classes, **training)
        check_range("model.width", width, 1)
        check_range("model.generator_width", generator_width or width, 1)
        check_range("model.stages", stages or 1, 1)
        check_range("model.kernel", kernel, 3)
        if self.penalty and norm == "batch":
            raise InputError("DCGAN: a penalty on gradients needs a discriminator without batch norms; set model.norm")
        self.in_channels, self.image_size = in_channels, image_size
        classes = num_classes if self.conditional else 0
        made = ConvolutionalGenerator(
            self.noise_size,
            classes,
            generator_width or width,
            in_channels,
            image_size,
            kernel,
            generator_norm,
            running_statistics,
            generator_slope,
        )
        judged = ConvolutionalDiscriminator(
            classes,
            width,
            stages or doublings_of(image_size),
            in_channels,
            image_size,
            kernel,
            norm,
            first_norm,
            running_statistics,
            slope,
            logits,
        )
        for network in (made, judged):
            _initialize(network, initializer)
        if norm == "spectral":  # first measured on the weights that were drawn
            for layer in list(judged.modules()):
                if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                    spectral_norm(layer)
        self.take_players(made, judged, [made.layers[-1], judged.head])


def _initialize(network: nn.Module, kind: str) -> None:
    """Draws the weights of all layers."""
    if kind == "uniform":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.02) if kind == "normal" else nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and kind == "normal":
            nn.init.normal_(module.weight, 1.0, 0.02)
