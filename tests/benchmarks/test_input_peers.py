"""The pipelines that ours is compared with make the same kind of batches."""

import pytest
import torch

from benchmarks.input_peers import Kornia, Pictures, torchvision_transform
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import synthetic_images


@pytest.fixture
def split() -> ClassifiedImages:
    """Eight pictures."""
    return ClassifiedImages(*synthetic_images(8, seed=0))


@pytest.mark.parametrize("case", ["crop", "colour"])
@pytest.mark.parametrize("version", [1, 2])
def test_torchvision_makes_normalised_tensors_of_the_pictures(split: ClassifiedImages, case: str, version: int) -> None:
    torch.manual_seed(0)  # of the colours that are drawn
    image, target = Pictures(split, torchvision_transform(case, version))[3]
    assert image.shape == (3, 32, 32)
    assert image.dtype == torch.float32
    assert -3 < image.min() < 0 < image.max() < 3
    assert target == split.targets[3]


@pytest.mark.parametrize("case", ["crop", "colour"])
def test_kornia_makes_normalised_batches(split: ClassifiedImages, case: str) -> None:
    pytest.importorskip("kornia")
    images, targets = zip(*Kornia(split, case, 3).epoch(), strict=True)
    assert [len(part) for part in targets] == [3, 3]
    assert images[0].shape == (3, 3, 32, 32)
    assert -3 < images[0].min() < 0 < images[0].max() < 3
