"""The course's MobileNet: its size, its separable convolutions, its start."""

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import CourseMobileNet
from lightning_modules.layers.initializers import Initializer
from tests.networks import number_of_parameters


def test_it_has_the_courses_size() -> None:
    assert number_of_parameters(CourseMobileNet, num_classes=10) == 11_530


def test_layers_come_in_the_courses_order() -> None:
    names = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    separable = ["conv", "relu", "conv", "relu"]
    part = [*separable, *separable, "pool"]
    model = CourseMobileNet(10)
    assert [names[type(layer)] for layer in model.features] == ["conv", "relu", "pool", *part, *part]
    assert model.features(torch.randn(1, 3, 32, 32)).shape == (1, 32, 4, 4)


def test_the_first_convolution_of_each_two_keeps_channels_apart() -> None:
    model = CourseMobileNet(10, width=4)
    x = torch.randn(1, 4, 8, 8)
    changed = x.clone()
    changed[:, 2] += 1
    for number in (3, 7, 12, 16):
        depthwise, pointwise = model.features[number], model.features[number + 2]
        difference = (depthwise(changed) - depthwise(x)).abs().sum((0, 2, 3))
        assert difference.nonzero().flatten().tolist() == [2]
        assert pointwise.kernel_size == (1, 1)
        assert (pointwise(changed) - pointwise(x)).abs().sum((0, 2, 3)).all()
        assert depthwise.bias is not None


@pytest.mark.parametrize(
    ("initializer", "bound"),
    [("xavier", (6 / (9 + 9)) ** 0.5), ("he_uniform", (6 / 9) ** 0.5), ("uniform", 0.02)],
)
def test_each_channels_filter_starts_as_a_convolution_of_its_own(initializer: Initializer, bound: float) -> None:
    torch.manual_seed(0)
    model = CourseMobileNet(10, initializer=initializer)
    for number in (3, 7, 12, 16):
        weight = model.features[number].weight.detach()
        assert 0.95 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)  # that of a uniform distribution
        assert len(weight.flatten(1).unique(dim=0)) == 32


def test_dense_convolutions_start_by_glorot_and_biases_at_zero() -> None:
    model = CourseMobileNet(10)
    for number, bound in ((0, (6 / (27 + 288)) ** 0.5), (5, (6 / 64) ** 0.5)):
        assert 0.95 * bound < model.features[number].weight.abs().max() <= bound
    assert not any(parameter.any() for name, parameter in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"image_size": 7}, "3 poolings need images of 8 pixels, not 7"), ({"width": 0}, "at least 1")],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        CourseMobileNet(10, **settings)


@pytest.mark.parametrize("settings", [{"image_size": 8}, {"image_size": 9, "width": 1}])
def test_the_smallest_forms_work(settings: dict[str, int]) -> None:
    size = settings["image_size"]
    assert CourseMobileNet(10, **settings)(torch.randn(2, 3, size, size)).shape == (2, 10)
