"""AlexNet: published sizes and costs, both forms, local response normalisation, and what cannot be built."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.errors import InputError
from lightning_modules import AlexNet
from lightning_modules.layers.local_response_norm import LocalResponseNorm

SMALL = {"num_classes": 7, "image_size": 32, "stem": "cifar", "width": 0.1, "head_widths": [9, 8]}


def kinds(layers: nn.Sequential) -> list[str]:
    """Returns the names of the layers' classes."""
    return [type(layer).__name__ for layer in layers]


@pytest.mark.parametrize(
    ("form", "parameters", "multiplications"), [(2012, 60_965_224, 724_406_816), (2014, 61_100_840, 714_188_480)]
)
def test_both_forms_have_their_published_size(form: int, parameters: int, multiplications: int) -> None:
    with torch.device("meta"):
        model = AlexNet(num_classes=1000, form=form).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, 224, 224))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert counter.get_total_flops() == 2 * multiplications


@pytest.mark.parametrize(
    ("stem", "image_size", "expected"),
    [
        ("imagenet", 224, 6),
        ("imagenet", 227, 6),
        ("imagenet", 63, 1),
        ("cifar", 32, 3),
        ("cifar", 28, 2),
        ("cifar", 15, 1),
    ],
)
def test_maps_shrink_as_the_dense_layers_expect(stem: str, image_size: int, expected: int) -> None:
    with torch.device("meta"):
        model = AlexNet(7, 1, image_size, stem=stem)
        images = torch.empty(2, 1, image_size, image_size)
        assert model.features(images).shape == (2, 256, expected, expected)
        assert model(images).shape == (2, 7)


def test_local_response_norm_is_the_papers() -> None:
    x = 30 * torch.randn(2, 9, 5, 4, generator=torch.Generator().manual_seed(0))
    y = LocalResponseNorm()(x)
    torch.testing.assert_close(y, nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(x))  # torch's alpha is of a mean
    torch.testing.assert_close(y[0, 0, 0, 0], x[0, 0, 0, 0] / (2 + 1e-4 * x[0, :3, 0, 0].square().sum()) ** 0.75)


def test_norms_follow_the_first_two_convolutions_of_2012_and_batch_norm_takes_their_place() -> None:
    unit = ["Conv2d", "ReLU"]
    tail = [*unit, *unit, *unit, "MaxPool2d"]
    assert kinds(AlexNet(**SMALL, form=2012).features) == 2 * [*unit, "LocalResponseNorm", "MaxPool2d"] + tail
    assert kinds(AlexNet(**SMALL, form=2014).features) == 2 * [*unit, "MaxPool2d"] + tail
    for form in (2012, 2014):
        model = AlexNet(**SMALL, form=form, batch_norm=True)
        assert kinds(model.features)[:3] == ["Conv2d", "BatchNorm2d", "ReLU"]
        assert kinds(model.features).count("BatchNorm2d") == 5
        assert "LocalResponseNorm" not in kinds(model.features)
        assert all(module.bias is None for module in model.features if isinstance(module, nn.Conv2d))


def test_width_and_head_widths_reach_their_layers() -> None:
    with torch.device("meta"):
        model = AlexNet(7, width=0.25)
        assert [module.out_features for module in model.classifier if isinstance(module, nn.Linear)] == [1024, 1024, 7]
        convolutions = [module for module in model.features if isinstance(module, nn.Conv2d)]
        assert [module.out_channels for module in convolutions] == [24, 64, 96, 96, 64]
        assert [module.groups for module in convolutions] == [1, 2, 1, 2, 2]
        assert kinds(AlexNet(7, head_widths=[]).classifier) == ["Linear"]
        for width in (0.001, 0.1, 0.37, 1.3):
            AlexNet(7, width=width)  # channels stay even


def test_dropout_comes_after_the_dense_layers_of_2012_and_before_those_of_2014() -> None:
    old, new = (AlexNet(**SMALL, form=form, dropout=0.25).classifier for form in (2012, 2014))
    assert kinds(old) == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert kinds(new) == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]
    assert {layer.p for layer in (*old, *new) if isinstance(layer, nn.Dropout)} == {0.25}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"image_size": 62}, r"stem imagenet needs images of 63 pixels, not 62 \(stem cifar: 15\)$"),
        ({"image_size": 14, "stem": "cifar"}, "stem cifar needs images of 15 pixels, not 14$"),
        ({"width": 0}, "width is a factor above 0, not 0"),
        ({"width": float("nan")}, "width is a factor above 0, not nan"),
        ({"head_widths": [8, 0]}, "head_widths are at least 1, not 0"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        AlexNet(num_classes=10, **settings)
