"""MobileNet: the paper's sizes and costs, its stems, and what cannot be built."""

from functools import partial

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import MobileNet
from tests.networks import millions_of_multiplications, number_of_parameters, sides_of_features


@pytest.mark.parametrize(
    ("width_multiplier", "image_size", "parameters", "millions"),
    [
        # tables 6 and 7 of the paper
        (1.0, 224, 4_231_976, 569),
        (0.75, 224, 2_585_560, 325),
        (0.5, 224, 1_331_592, 149),
        (0.25, 224, 470_072, 41),
        (1.0, 192, 4_231_976, 418),
        (1.0, 160, 4_231_976, 291),
        (1.0, 128, 4_231_976, 186),
    ],
)
def test_parameters_and_multiplications_are_the_papers(
    width_multiplier: float, image_size: int, parameters: int, millions: int
) -> None:
    make = partial(MobileNet, 1000, 3, image_size, width_multiplier)
    assert number_of_parameters(make) == parameters
    assert millions_of_multiplications(make, image_size) == millions


def test_it_has_28_layers_each_but_the_last_with_norm_and_relu() -> None:
    with torch.device("meta"):
        modules = list(MobileNet(10).modules())
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in modules) == 28
    assert sum(isinstance(module, nn.BatchNorm2d) for module in modules) == 27
    assert sum(isinstance(module, nn.ReLU) for module in modules) == 27


@pytest.mark.parametrize(
    ("stem", "image_size", "sides"),
    [
        ("imagenet", 224, [112, 56, 28, 14, 7]),
        ("imagenet", 32, [16, 8, 4, 2, 1]),
        ("cifar", 32, [32, 16, 8, 4]),
        ("whitening", 32, [15, 8, 4, 2]),
        ("whitening", 16, [7, 4, 2, 1]),
    ],
)
def test_the_stem_says_how_early_images_are_halved(stem: str, image_size: int, sides: list[int]) -> None:
    seen = sides_of_features(partial(MobileNet, 10, 1, image_size, stem=stem), (2, 1, image_size, image_size))
    assert sorted(set(seen), reverse=True) == sides
    if stem == "imagenet":
        assert seen[:5] == [sides[0]] * 4 + [sides[1]]
    else:  # `whitening` is one layer, the other first layers are three
        assert seen[: 5 if stem == "cifar" else 3] == [sides[0]] * (5 if stem == "cifar" else 3)


def test_dropout_reaches_its_layer() -> None:
    assert MobileNet(10, width_multiplier=0.1, dropout=0.3).classifier[0].p == 0.3


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 28}, r"5 halvings need images of 32 pixels, not 28 \(stem cifar: 8\)$"),
        ({"image_size": 7, "stem": "cifar"}, "3 halvings need images of 8 pixels, not 7$"),
        ({"image_size": 15, "stem": "whitening"}, "4 halvings need images of 16 pixels, not 15$"),
        ({"width_multiplier": -1.0}, "width_multiplier is a factor above 0, not -1"),
        ({"width_multiplier": float("inf")}, "width_multiplier is a factor above 0, not inf"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        MobileNet(num_classes=10, **settings)
