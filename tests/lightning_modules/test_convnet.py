"""The plain convolutional network: published sizes, what its stages are, and what it refuses."""

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import ConvNet


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        (24_522, {"widths": [32, 32, 32]}),
        (
            3_274_634,
            {"widths": [32, 64], "kernel_size": 5, "head_widths": [1024], "in_channels": 1, "image_size": 28},
        ),
    ],
)
def test_it_has_its_published_size(expected: int, settings: dict[str, object]) -> None:
    assert sum(p.numel() for p in ConvNet(10, **settings).parameters()) == expected


def test_a_stage_keeps_the_size_then_halves_it() -> None:
    model = ConvNet(10, widths=[4, 6], kernel_size=5)
    x = torch.randn(2, 3, 32, 32)
    for stage, shape in zip(model.stages, [(2, 4, 16, 16), (2, 6, 8, 8)], strict=True):
        x = stage(x)
        assert x.shape == shape


def test_norms_stand_before_activations() -> None:
    kinds = [type(layer).__name__ for layer in ConvNet(10, widths=[4], batch_norm=True, head_widths=[5]).modules()]
    layers = [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "MaxPool2d",
        "Flatten",
        "Linear",
        "BatchNorm1d",
        "ReLU",
        "Dropout",
        "Linear",
    ]
    assert [kind for kind in kinds if kind in layers] == layers


def test_biases_start_at_the_value_asked_for() -> None:
    model = ConvNet(10, widths=[4, 6], head_widths=[5], initial_bias=0.1)
    biases = [layer.bias for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(biases) == 4
    for bias in biases:
        torch.testing.assert_close(bias, torch.full_like(bias, 0.1))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"widths": [4, 4, 4], "image_size": 7}, "3 poolings need images of 8 pixels, not 7"),
        ({"kernel_size": 4}, "kernel_size is 4: an odd number"),
        ({"widths": []}, "at least one stage"),
        ({"widths": [4, 0]}, "each at least 1"),
        ({"head_widths": [0]}, "each at least 1"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ConvNet(10, **settings)
