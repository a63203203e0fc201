"""AlexNet: five convolutions the first with large kernels, overlapping max pooling, and dense layers with dropout.

Alex Krizhevsky, Ilya Sutskever and Geoffrey Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
2012. The form with one tower, as in torchvision: Alex Krizhevsky, "One weird trick for parallelizing
convolutional neural networks", 2014, arXiv:1404.5997.
"""

import math
from typing import Any, Literal

from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import initialize
from lightning_modules.layers.local_response_norm import LocalResponseNorm
from lightning_modules.tasks.image_classifier import ImageClassifier, numbered

# channels and groups of each convolution
LAYERS = {
    2012: ((96, 1), (256, 2), (384, 1), (384, 2), (256, 2)),
    2014: ((64, 1), (192, 1), (384, 1), (256, 1), (256, 1)),
}
KERNELS = {"imagenet": (11, 5, 3, 3, 3), "cifar": (5, 5, 3, 3, 3)}
POOLED = (True, True, False, False, True)
LEAST_SIZE = {"imagenet": 63, "cifar": 15}


class AlexNet(ImageClassifier):
    """AlexNet of 2012 or 2014, for images of any size.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        form: 2012, with grouped convolutions and local response normalisation, or 2014, with neither and fewer
            channels, which is also torchvision's.
        stem: The first convolution: 11x11 with stride 4 for `imagenet`, 5x5 with stride 1 for `cifar`.
        width: Factor on the numbers of channels.
        head_widths: Widths of dense layers before the last; 4096 and 4096, times `width`, if not given.
        dropout: Dropout probability of outputs (2014: inputs) of the dense layers before the last, in training.
        batch_norm: Use batch normalisation after each convolution, instead of local response normalisation.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The images or a width are too small.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 224,
        form: Literal[2012, 2014] = 2012,
        stem: Literal["imagenet", "cifar"] = "imagenet",
        width: float = 1.0,
        head_widths: list[int] | None = None,
        dropout: float = 0.5,
        batch_norm: bool = False,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        if image_size < LEAST_SIZE[stem]:
            hint = f" (stem cifar: {LEAST_SIZE['cifar']})" if stem == "imagenet" else ""
            raise InputError(f"AlexNet: stem {stem} needs images of {LEAST_SIZE[stem]} pixels, not {image_size}{hint}")
        if not 0 < width < math.inf:
            raise InputError(f"AlexNet: width is a factor above 0, not {width:g}")
        if head_widths is None:
            head_widths = 2 * [max(1, round(4096 * width))]
        if min(head_widths, default=1) < 1:
            raise InputError(f"AlexNet: head_widths are at least 1, not {min(head_widths)}")

        self.features = nn.Sequential()
        channels, side = in_channels, image_size
        for (n, groups), kernel, pooled in zip(LAYERS[form], KERNELS[stem], POOLED, strict=True):
            stride, padding = 4 if kernel == 11 else 1, min(2, kernel // 2)
            out = 2 * max(1, round(n * width / 2))  # even, for two groups
            self.features.append(nn.Conv2d(channels, out, kernel, stride, padding, groups=groups, bias=not batch_norm))
            if batch_norm:
                self.features.append(nn.BatchNorm2d(out))
            self.features.append(nn.ReLU())
            if form == 2012 and kernel > 3 and not batch_norm:
                self.features.append(LocalResponseNorm())
            channels, side = out, (side + 2 * padding - kernel) // stride + 1
            if pooled:
                self.features.append(nn.MaxPool2d(3, 2))
                side = (side - 1) // 2
        # [B, channels, side, side]: 6x6 for 224x224 images (imagenet), 3x3 for 32x32 (cifar)

        self.classifier = nn.Sequential()
        features = channels * side**2
        for head_width in head_widths:
            dense = [nn.Linear(features, head_width), nn.ReLU()]
            drop = [nn.Dropout(dropout)]
            self.classifier.extend(dense + drop if form == 2012 else drop + dense)
            features = head_width
        self.classifier.append(nn.Linear(features, num_classes))

        initialize(self, "he", 0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.features(images).flatten(1))

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order: `features.0` and so on, `flatten`, `classifier.0` and so on."""
        features, classifier = numbered("features", self.features), numbered("classifier", self.classifier)
        return {**features, "flatten": nn.Flatten(), **classifier}

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier[-1]]
