"""The drawn pictures are reproducible and balanced, and rank models as real ones do."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, one_hot

from core.errors import InputError
from datamodules.images.synthetic import CLASS_NAMES, synthetic_images


def test_the_same_arguments_draw_the_same_pictures() -> None:
    images, labels = synthetic_images(60, seed=0, image_size=16)
    torch.manual_seed(1)
    again, same_labels = synthetic_images(60, seed=0, image_size=16)
    assert torch.equal(images, again)
    assert torch.equal(labels, same_labels)


def test_another_seed_draws_other_pictures() -> None:
    first, second = (synthetic_images(60, seed=seed, image_size=16) for seed in (0, 1))
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_drawing_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    synthetic_images(5, seed=0, image_size=16)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("n", [0, 1, 57, 250, 300])
def test_more_pictures_only_append(n: int) -> None:
    more, more_labels = synthetic_images(550, seed=0, image_size=16, in_channels=1)
    images, labels = synthetic_images(n, seed=0, image_size=16, in_channels=1)
    assert torch.equal(images, more[:n])
    assert torch.equal(labels, more_labels[:n])


@pytest.mark.parametrize(("n", "num_classes"), [(100, 10), (57, 10), (33, 5), (7, 2)])
def test_class_counts_differ_by_at_most_one(n: int, num_classes: int) -> None:
    _, labels = synthetic_images(n, seed=0, num_classes=num_classes, image_size=16)
    counts = torch.bincount(labels, minlength=num_classes)
    assert len(counts) == num_classes
    assert counts.max() - counts.min() <= 1


def test_the_order_mixes_the_classes() -> None:
    _, labels = synthetic_images(100, seed=0, image_size=16)
    rounds = labels.view(10, 10)
    assert len({tuple(order.tolist()) for order in rounds}) == 10


@pytest.mark.parametrize(("image_size", "in_channels"), [(16, 1), (28, 1), (32, 3), (48, 3), (20, 4)])
def test_pictures_have_the_size_and_channels_asked_for(image_size: int, in_channels: int) -> None:
    images, labels = synthetic_images(12, seed=0, image_size=image_size, in_channels=in_channels)
    assert images.shape == (12, image_size, image_size, in_channels)
    assert images.dtype == torch.uint8
    assert labels.dtype == torch.int64
    assert images.float().flatten(1).std(1).min() > 5, "no picture is empty"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"num_classes": 1}, "1 classes: drawn pictures have 2 to 10"),
        ({"num_classes": 11}, "11 classes: drawn pictures have 2 to 10"),
        ({"image_size": 15}, "15 pixels a side: drawn pictures have 16 or more"),
    ],
)
def test_arguments_out_of_range_are_refused(settings: dict[str, int], reason: str) -> None:
    with pytest.raises(InputError, match=f"data.source synthetic: {reason}"):
        synthetic_images(**{"n": 10, "seed": 0} | settings)


def test_every_class_looks_different() -> None:
    images, labels = synthetic_images(1000, seed=0, image_size=16, in_channels=1)
    means = torch.stack([images[labels == label].float().mean(0).flatten() for label in range(len(CLASS_NAMES))])
    distances = torch.cdist(means, means) + torch.eye(10) * 1e9
    assert distances.min() > 15


def accuracy(features: Tensor, labels: Tensor) -> float:
    """Fits a linear classifier by least squares to all but the last 1,000 samples; returns its accuracy on those."""
    features, targets = features.double(), one_hot(labels).double()
    train, test = features[:-1000], features[-1000:]
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    train, test = (train - mean) / deviation, (test - mean) / deviation
    ridge = 0.1 * len(train) * torch.eye(train.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(train.T @ train + ridge, train.T @ (targets[:-1000] - 1 / targets.shape[1]))
    return ((test @ weights).argmax(1) == labels[-1000:]).double().mean().item()


def test_pixels_tell_the_classes_apart_less_well_than_features_of_random_convolutions() -> None:
    """Nothing is trained by steps: both classifiers are the solution of a linear system."""
    images, labels = synthetic_images(5500, seed=0, num_classes=5, image_size=16)
    x = (images.float() / 255 - 0.5).permute(0, 3, 1, 2)  # [N, 3, 16, 16]
    filters = torch.randn(200, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    filters -= filters.mean((2, 3), keepdim=True)
    found = conv2d(x.mean(1, keepdim=True), filters)  # [N, 200, 10, 10]
    pooled = torch.cat([found.relu().mean((2, 3)), found.amax((2, 3)), (-found).amax((2, 3))], 1)
    of_pixels, of_convolutions = accuracy(x.flatten(1), labels), accuracy(pooled, labels)
    assert of_pixels > 1.2 / 5, "better than guessing"
    assert of_convolutions > of_pixels + 0.12
