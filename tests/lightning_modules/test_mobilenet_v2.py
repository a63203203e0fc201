"""MobileNetV2: the paper's sizes and costs, its stems and residuals, and what cannot be built."""

from functools import partial

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import MobileNetV2
from lightning_modules.layers.mobile_sizes import rounded
from lightning_modules.mobilenet_v2 import InvertedResidual
from tests.networks import millions_of_multiplications, number_of_parameters, sides_of_features


@pytest.mark.parametrize(
    ("width_multiplier", "image_size", "parameters", "millions"),
    [
        # the authors' own table; parameters of 1.4 and 1.0 are in the paper's table 4 too
        (1.4, 224, 6_108_776, 582),
        (1.0, 224, 3_504_872, 301),
        (0.75, 224, 2_636_424, 209),
        (0.5, 224, 1_968_680, 97),
        (0.35, 224, 1_677_128, 59),
        (1.0, 192, 3_504_872, 221),
        (1.0, 128, 3_504_872, 99),
    ],
)
def test_parameters_and_multiplications_are_the_papers(
    width_multiplier: float, image_size: int, parameters: int, millions: int
) -> None:
    make = partial(MobileNetV2, 1000, 3, image_size, width_multiplier)
    assert number_of_parameters(make) == parameters
    assert millions_of_multiplications(make, image_size) == millions


@pytest.mark.parametrize(
    ("channels", "expected"), [(32, 32), (1, 8), (11.9, 16), (11.2, 16), (12, 16), (19.2, 24), (44.8, 48), (9, 16)]
)
def test_widths_are_multiples_of_8_that_lose_no_more_than_a_tenth(channels: float, expected: int) -> None:
    assert rounded(channels) == expected


def test_inputs_are_added_within_a_stage_and_nothing_follows_the_narrow_convolution() -> None:
    with torch.device("meta"):
        blocks = [module for module in MobileNetV2(10).modules() if isinstance(module, InvertedResidual)]
    stages = [1, 2, 3, 4, 3, 3, 1]
    assert [block.residual for block in blocks] == [number > 0 for count in stages for number in range(count)]
    assert all(isinstance(block.conv[-1], nn.BatchNorm2d) for block in blocks)

    block = InvertedResidual(8, 8, expansion=6, stride=1).eval()
    block.conv[-1].weight.data.zero_()
    x = torch.randn(2, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(x), x)


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
    seen = sides_of_features(partial(MobileNetV2, 10, 1, image_size, stem=stem), (2, 1, image_size, image_size))
    assert sorted(set(seen), reverse=True) == sides
    if stem == "imagenet":
        assert seen[:5] == [sides[0]] * 2 + [sides[1]] * 2 + [sides[2]]
    else:
        assert seen[:5] == [sides[0]] * 4 + [sides[1]]


def test_dropout_reaches_its_layer() -> None:
    assert MobileNetV2(10, width_multiplier=0.1, dropout=0.3).classifier[0].p == 0.3


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 28}, r"5 halvings need images of 32 pixels, not 28 \(stem cifar: 8\)$"),
        ({"image_size": 7, "stem": "cifar"}, "3 halvings need images of 8 pixels, not 7$"),
        ({"image_size": 15, "stem": "whitening"}, "4 halvings need images of 16 pixels, not 15$"),
        ({"width_multiplier": 0.0}, "width_multiplier is a factor above 0, not 0"),
        ({"width_multiplier": float("inf")}, "width_multiplier is a factor above 0, not inf"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        MobileNetV2(num_classes=10, **settings)
