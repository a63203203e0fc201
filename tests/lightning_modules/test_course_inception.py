"""The course's Inception network: its size, its widths, its pool path, its start."""

import pytest
import torch
import torch.nn.functional as F

from core.errors import InputError
from lightning_modules import CourseInception
from lightning_modules.course_inception import Block
from tests.networks import number_of_parameters


def test_it_has_the_courses_size() -> None:
    assert number_of_parameters(CourseInception, num_classes=10) == 269_898


def test_the_blocks_widen_the_maps_as_the_course_says() -> None:
    model, x, shapes = CourseInception(10), torch.randn(1, 3, 32, 32), []
    for layer in model.features:
        x = layer(x)
        if isinstance(layer, Block):
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(80, 16, 16), (128, 16, 16), (176, 8, 8), (224, 8, 8)]
    assert x.shape == (1, 224, 4, 4)
    kinds = [type(layer).__name__ for layer in model.features]
    assert kinds == ["Conv2d", "ReLU", "MaxPool2d", *["Block", "Block", "MaxPool2d"] * 2]


@pytest.mark.parametrize(("size", "first", "last"), [(16, 4, 12), (7, 2, 5), (14, 3, 10), (2, 0, 1)])
def test_pooled_maps_lie_in_the_middle_of_zeros(size: int, first: int, last: int) -> None:
    block, x = Block(3, 2), torch.randn(2, 3, size, size)
    maps = block(x)
    assert maps.shape == (2, 9, size, size)
    expected = torch.zeros(2, 3, size, size)
    expected[:, :, first:last, first:last] = F.max_pool2d(x, 2)
    assert torch.equal(maps[:, 6:], expected)


def test_a_block_sees_places_one_and_two_pixels_away_but_none_farther() -> None:
    block = Block(1, 1)
    for convolution in block.convolutions:
        torch.nn.init.ones_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
    x = torch.zeros(1, 1, 9, 9)
    x[..., 4, 4] = 1
    assert [int(maps.sum()) for maps in block(x)[0, :3]] == [1, 9, 25]
    assert not block(-x)[0, :3].any(), "no ReLU"


def test_weights_start_by_glorot_and_biases_at_zero() -> None:
    model = CourseInception(10)
    bound = (6 / (25 * 32 + 25 * 16)) ** 0.5
    assert 0.99 * bound < model.features[3].convolutions[2].weight.abs().max() <= bound
    assert not any(parameter.any() for name, parameter in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 7}, "3 poolings need images of 8 pixels, not 7"),
        ({"width": 0}, "at least 1"),
        ({"stem_width": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        CourseInception(10, **settings)


def test_the_smallest_image_is_taken() -> None:
    assert CourseInception(10, image_size=8)(torch.randn(2, 3, 8, 8)).shape == (2, 10)
