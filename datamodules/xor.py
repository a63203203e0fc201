"""Exclusive or: noisy points around the corners of the unit square, which are not linearly separable.

Marvin Minsky and Seymour Papert, "Perceptrons", 1969.
"""

import math

import torch
from torch import Tensor

from core.errors import InputError
from core.randomness import generator
from datamodules.base.sizes import check_least
from datamodules.base.split import PARTS
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.splits import ClassifiedImages


class XORDataModule(ImageClassificationDataModule):
    """Points in the plane, as images of one pixel with two channels, which every fully connected network accepts.

    A corner's class is the exclusive or of its two coordinates. Networks get coordinates scaled to [-1, 1].

    Args:
        batch_size: Points per optimizer step, on all devices together.
        eval_batch_size: Points per batch in validation, test and prediction; affects only speed.
        repeats: Points around each of the four corners, in each of training, validation and test.
        noise: Standard deviation of the points around their corner.
        split_seed: Seed of the points, separate from the run's seed so that all runs use the same points.

    Raises:
        InputError: `repeats` is less than 1, or `noise` is negative or not finite.
    """

    name = "XOR"
    unit = "points"
    class_names = ("equal", "different")
    num_classes = 2
    in_channels = 2
    image_size = 1
    # with normalization "channel", (image / 255 - mean) / std, these values give 2 x - 1
    mean = (0.5 / 255, 0.5 / 255)
    std = (0.5 / 255, 0.5 / 255)

    def __init__(
        self,
        batch_size: int = 40,
        eval_batch_size: int = 1000,
        repeats: int = 100,
        noise: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        check_least(1, repeats=repeats)
        if noise < 0 or not math.isfinite(noise):
            raise InputError(f"data.noise is {noise}: a standard deviation is at least 0, and finite")
        super().__init__("", "auto", batch_size, eval_batch_size, split_seed=split_seed)
        self.repeats = repeats
        self.noise = noise
        self.origin = f"{repeats:,} points a corner, noise {noise:g}"

    def read(self) -> dict[str, ClassifiedImages]:
        """Draws the points of each split with its own seed."""
        return {part: self._draw(part) for part in PARTS}

    def _draw(self, part: str) -> ClassifiedImages:
        corners = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(self.repeats, 1)  # [N, 2]
        noise = torch.randn(corners.shape, generator=generator(self.split_seed, part))
        points = corners + self.noise * noise
        return ClassifiedImages(points.view(-1, 1, 1, 2), corners[:, 0] ^ corners[:, 1])

    def points_of(self, part: str) -> tuple[Tensor, Tensor]:
        """Returns the points of a part, float32 [N, 2], and their classes, int64 [N]."""
        split = self.splits[part]
        return split.images.flatten(1), split.targets

    def point_inputs(self, points: Tensor) -> Tensor:
        """Returns the network's inputs for points [N, 2], float32 [N, 2, 1, 1]."""
        return self.normalization(points.view(-1, 1, 1, 2)).permute(0, 3, 1, 2)

    def example_inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Returns n points at random, as images of one pixel, float32 [n, 1, 1, 2]."""
        return torch.rand(n, 1, 1, 2, generator=rng)

    def setup(self, stage: str) -> None:
        """Draws the points; later calls do nothing.

        Raises:
            InputError: Files are given to predict, or a batch is larger than the training set.
        """
        if self.inputs:
            raise InputError(
                "--input: XOR takes no files; without this option, the points of the test set are predicted"
            )
        super().setup(stage)
