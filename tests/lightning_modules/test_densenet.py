"""DenseNet: published sizes, dense connections, and what is refused."""

from functools import partial

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import DenseNet
from tests.networks import number_of_parameters

SMALL = {"num_classes": 3, "image_size": 16, "depth": 40, "growth_rate": 4}
count = partial(number_of_parameters, DenseNet)


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        (176_122, {"depth": 40}),
        (769_162, {"depth": 100}),
        (6_956_298, {"depth": 121, "stem": "cifar"}),
        (7_978_856, {"depth": 121, "image_size": 224, "num_classes": 1000}),
        (14_149_480, {"depth": 169, "image_size": 224, "num_classes": 1000}),
        (20_013_928, {"depth": 201, "image_size": 224, "num_classes": 1000}),
    ],
)
def test_nets_have_their_published_size(expected: int, settings: dict[str, object]) -> None:
    assert count(**{"num_classes": 10} | settings) == expected


def test_depth_counts_the_layers_on_the_way() -> None:
    for depth in (40, 100, 121):
        with torch.device("meta"):
            modules = list(DenseNet(num_classes=3, image_size=224, depth=depth).modules())
        assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in modules) == depth


def test_a_layer_keeps_what_it_is_given_and_adds_its_growth() -> None:
    layer = DenseNet(**SMALL).features.denseblock1.denselayer2
    x = torch.randn(2, 12, 8, 8)
    out = layer(x)
    assert out.shape == (2, 16, 8, 8)
    assert torch.equal(out[:, :12], x)
    assert layer.conv1.out_channels == 16


def test_transitions_compress_and_halve() -> None:
    x = torch.randn(2, 32, 9, 9)  # 8 from the stem, 4 of each of 6 layers
    assert DenseNet(**SMALL).features.transition1(x).shape == (2, 16, 4, 4)
    assert DenseNet(**SMALL, compression=0.3).features.transition1(x).shape == (2, 9, 4, 4)
    assert DenseNet(**SMALL, compression=1.0).features.transition1(x).shape == (2, 32, 4, 4)


def test_dropout_follows_every_convolution_but_the_first() -> None:
    model = DenseNet(**SMALL, dropout=0.25)
    uses = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            assert module.p == 0.25
            module.register_forward_hook(lambda *_: uses.append(1))
    model(torch.randn(2, 3, 16, 16))
    assert len(uses) == sum(isinstance(module, nn.Conv2d) for module in model.modules()) - 1


def test_names_of_torchvisions_older_files_are_known() -> None:
    old = {
        "features.denseblock1.denselayer12.norm.1.running_mean": 1,
        "features.denseblock1.denselayer1.conv.2.weight": 2,
    }
    new = {
        "features.denseblock1.denselayer12.norm1.running_mean": 1,
        "features.denseblock1.denselayer1.conv2.weight": 2,
    }
    assert DenseNet(**SMALL).from_torchvision(old) == new
    assert DenseNet(**SMALL).from_torchvision(new) == new


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ({"depth": 40}, 4),
        ({"depth": 121, "stem": "cifar"}, 8),
        ({"depth": 121}, 29),
        ({"depth": 40, "stem": "whitening"}, 9),
    ],
)
def test_the_smallest_image_leaves_one_pixel(settings: dict[str, object], least: int) -> None:
    model = DenseNet(num_classes=3, image_size=least, growth_rate=4, **settings)
    model.features.norm5.register_forward_hook(lambda _, __, out: shapes.append(out.shape[2:]))
    shapes: list[torch.Size] = []
    assert model(torch.randn(2, 3, least, least)).shape == (2, 3)
    assert shapes == [(1, 1)]
    with pytest.raises(InputError, match=rf"DenseNet: \d halvings need images of {least} pixels, not {least - 1}"):
        DenseNet(num_classes=3, image_size=least - 1, growth_rate=4, **settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"growth_rate": 0}, "growth_rate is at least 1, not 0"),
        ({"compression": 0.0}, "compression is above 0 and at most 1, not 0.0"),
        ({"compression": 1.5}, "compression is above 0 and at most 1, not 1.5"),
    ],
)
def test_numbers_out_of_range_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        DenseNet(num_classes=10, **settings)
