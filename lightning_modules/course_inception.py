"""The Inception network of an online course's notebook.

Christian Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv:1409.4842; the course's network has no 1x1
convolutions before the larger ones, and its pooled maps are padded with zeros to the size of the others.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.task import without


class Block(nn.Module):
    """Parallel convolutions of three sizes, with ReLU, and a max pooling.

    Args:
        in_channels: Channels of the input.
        width: Channels of each convolution.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(in_channels, width, k, padding=k // 2) for k in (1, 3, 5))

    def forward(self, x: Tensor) -> Tensor:
        """Returns maps [B, 3 width + in, H, W] of maps [B, in, H, W]."""
        pooled = F.max_pool2d(x, 2)  # [B, in, H / 2, W / 2]
        # padded back to H x W by zeros, as in the course, so pooled maps are not aligned with the others
        height, width = x.shape[2] - pooled.shape[2], x.shape[3] - pooled.shape[3]
        pooled = F.pad(pooled, (width // 2, width - width // 2, height // 2, height - height // 2))
        return torch.cat([*(F.relu(convolution(x)) for convolution in self.convolutions), pooled], 1)


class CourseInception(ImageClassifier):
    """A convolution, then two pairs of Inception blocks; a max pooling follows each of these three parts.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        stem_width: Channels of the first convolution.
        width: Channels of each convolution in a block.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: A width is less than 1, or the image is too small.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        stem_width: int = 32,
        width: int = 16,
        initializer: Initializer = "xavier",
        initializer_scale: float = 0.02,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if min(stem_width, width) < 1:
            raise InputError(f"CourseInception: stem_width {stem_width}, width {width}: each is at least 1")
        if image_size < 8:
            raise InputError(f"CourseInception: 3 poolings need images of 8 pixels, not {image_size}")

        self.features = nn.Sequential(nn.Conv2d(in_channels, stem_width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        channels = stem_width  # [B, 32, 16, 16] for 32x32 images
        for _ in range(2):
            for _ in range(2):
                self.features.append(Block(channels, width))
                channels += 3 * width
            self.features.append(nn.MaxPool2d(2))  # [B, 128, 8, 8], then [B, 224, 4, 4]
        self.classifier = nn.Linear(channels * (image_size // 8) ** 2, num_classes)
        initialize(self, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        return self.classifier(self.features(images).flatten(1))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier]
