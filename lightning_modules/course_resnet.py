"""The residual network of an online course's notebook.

Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Deep Residual Learning for Image Recognition", 2015,
arXiv:1512.03385; the course's network has no batch norm and no ReLU after an addition.
"""

from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.initializers import Initializer, initialize
from lightning_modules.tasks.image_classifier import ImageClassifier
from lightning_modules.tasks.task import without


class Block(nn.Module):
    """Two 3x3 convolutions, each with ReLU, added to their input, or to its average pooling if they halve the size.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output: as many, or twice as many, in which case the size is halved.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.halves = out_channels != in_channels
        stride, padding = (2, 0) if self.halves else (1, 1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns maps [B, out, H, W], or [B, out, ceil(H / 2), ceil(W / 2)], of maps [B, in, H, W]."""
        shortcut = x
        if self.halves:
            shortcut = F.avg_pool2d(x, 2, ceil_mode=True)
            before = x.shape[1] // 2
            shortcut = F.pad(shortcut, (0, 0, 0, 0, before, x.shape[1] - before))  # [B, 2 in, H / 2, W / 2]
            top, left = x.shape[2] % 2, x.shape[3] % 2  # TensorFlow pads an even size only at its end
            x = F.pad(x, (left, 1, top, 1))
        return F.relu(self.conv2(F.relu(self.conv1(x)))) + shortcut


class CourseResNet(ImageClassifier):
    """Stages of residual blocks; each stage but the first halves the size and doubles the channels.

    Args:
        num_classes: Number of classes; set from the data.
        in_channels: Channels of the images; set from the data.
        image_size: Height and width of the images; set from the data.
        blocks: Blocks of each stage.
        widths: Channels of each stage, each twice those of the stage before.
        initializer: Initialiser of the weights.
        initializer_scale: Standard deviation, half width or value, for the initialisers that use one.
        training: What `ImageClassifier` takes, such as `optimizer`.

    Raises:
        InputError: The stages do not fit together, or there are too many for the image.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        image_size: int = 32,
        blocks: list[int] = [2, 3, 2],  # noqa: B006 (never changed)
        widths: list[int] = [32, 64, 128],  # noqa: B006 (never changed)
        initializer: Initializer = "xavier",
        initializer_scale: float = 0.02,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if not widths or len(blocks) != len(widths) or min(*blocks, *widths) < 1:
            raise InputError(f"CourseResNet: blocks {blocks}, widths {widths}: one of each a stage, each at least 1")
        if any(wide != 2 * narrow for narrow, wide in pairwise(widths)):
            raise InputError(f"CourseResNet: widths {widths}: the shortcuts need each to be twice the one before")
        least = 2 ** (len(widths) - 1)
        if image_size < least:
            raise InputError(
                f"CourseResNet: {len(widths) - 1} halvings need images of {least} pixels, not {image_size}"
            )

        self.stem = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.stages = nn.ModuleList()
        channels = widths[0]
        for width, count in zip(widths, blocks, strict=True):
            stage = nn.Sequential()
            for _ in range(count):
                stage.append(Block(channels, width))
                channels = width
            self.stages.append(stage)  # [B, width, size, size]; size / 2 after the second stage, and so on
        self.classifier = nn.Linear(channels, num_classes)
        initialize(self, initializer, initializer_scale)

    def forward(self, images: Tensor) -> Tensor:
        """Returns logits [B, num_classes] of float images [B, in_channels, image_size, image_size]."""
        x = F.relu(self.stem(images))
        for stage in self.stages:
            x = stage(x)
        return self.classifier(x.mean((2, 3)))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer."""
        return [self.classifier]
