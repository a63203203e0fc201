"""Initialisers draw from the distributions that their names promise."""

import math

import pytest
import torch
from torch import nn

from lightning_modules.layers.initializers import initialize

CONVOLUTION = (48, 64)  # in, out; 3x3
DENSE = (500, 300)
FANS = {"convolution": (48 * 9, 64 * 9), "dense": DENSE}
SCALE = 0.3


def make_layer(name: str, kind: str) -> nn.Module:
    """Returns an initialised layer."""
    torch.manual_seed(0)
    layer = nn.Conv2d(*CONVOLUTION, 3) if name == "convolution" else nn.Linear(*DENSE)
    nn.init.constant_(layer.bias, 9)
    initialize(nn.Sequential(layer), kind, SCALE)
    return layer


def expected_std(kind: str, fan_in: int, fan_out: int) -> float:
    """Returns the standard deviation of the weights."""
    if kind in ("he", "he_uniform"):
        return math.sqrt(2 / fan_in)
    if kind in ("xavier", "xavier_normal"):
        return math.sqrt(2 / (fan_in + fan_out))
    if kind == "fan_in_uniform":
        return math.sqrt(1 / (3 * fan_in))
    # a normal distribution cut at two deviations has 0.8796 of its deviation
    return {"normal": SCALE, "truncated_normal": 0.8796 * SCALE, "uniform": SCALE / math.sqrt(3)}[kind]


@pytest.mark.parametrize("name", FANS)
@pytest.mark.parametrize(
    "kind", ["he", "he_uniform", "xavier", "xavier_normal", "normal", "truncated_normal", "uniform", "fan_in_uniform"]
)
def test_weights_have_the_deviation_and_range_of_their_distribution(kind: str, name: str) -> None:
    weight = make_layer(name, kind).weight
    std = expected_std(kind, *FANS[name])
    assert weight.mean().item() == pytest.approx(0, abs=0.02 * std)
    assert weight.std().item() == pytest.approx(std, rel=0.02)
    if kind in ("he_uniform", "xavier", "uniform", "fan_in_uniform"):
        limit = math.sqrt(3) * std
    elif kind == "truncated_normal":
        limit = 2 * SCALE
    else:
        assert weight.abs().max() > 3 * std, "a normal distribution has tails"
        return
    assert 0.98 * limit < weight.abs().max() <= limit * (1 + 1e-6)


@pytest.mark.parametrize("name", FANS)
def test_positive_weights_lie_between_zero_and_the_scale(name: str) -> None:
    weight = make_layer(name, "positive_uniform").weight
    assert 0 <= weight.min() < 0.01 * SCALE
    assert 0.99 * SCALE < weight.max() <= SCALE
    assert weight.mean().item() == pytest.approx(SCALE / 2, rel=0.02)


@pytest.mark.parametrize("name", FANS)
def test_constant_weights_are_the_scale(name: str) -> None:
    assert (make_layer(name, "constant").weight == SCALE).all()


@pytest.mark.parametrize("name", FANS)
@pytest.mark.parametrize("kind", ["he", "uniform", "constant", "identity"])
def test_biases_start_at_zero(kind: str, name: str) -> None:
    assert make_layer(name, kind).bias.count_nonzero() == 0


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 8), (8, 8), (8, 5)])
def test_identity_lets_the_first_channels_of_the_input_pass(inputs: int, outputs: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    initialize(layer, "identity", SCALE)
    images = torch.randn(2, inputs, 6, 6)
    same = min(inputs, outputs)
    torch.testing.assert_close(layer(images)[:, :same], images[:, :same])
    assert layer.weight[same:].abs().amax((1, 2, 3)).gt(0).all(), "channels beyond them are drawn"


def test_identity_draws_all_else_uniformly_within_the_root_of_its_fan_in() -> None:
    dense, convolution = (make_layer(name, "identity").weight for name in ("dense", "convolution"))
    for weight, fan_in in ((dense, 500), (convolution[48:], 48 * 9)):
        assert 0.98 / math.sqrt(fan_in) < weight.abs().max() <= 1 / math.sqrt(fan_in)
        assert weight.std().item() == pytest.approx(1 / math.sqrt(3 * fan_in), rel=0.03)


def test_norms_are_left_alone() -> None:
    norm = nn.BatchNorm2d(4)
    nn.init.constant_(norm.weight, 7)
    initialize(nn.Sequential(nn.Conv2d(3, 4, 3), norm), "constant", SCALE)
    assert (norm.weight == 7).all()
