"""VGG in all its forms: shapes, gradients, published sizes, number formats and checkpoints."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import VGG
from tests.networks import assert_gradients, logits_in_bfloat16, number_of_parameters
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

SMALL = {"num_classes": 3, "image_size": 16, "widths": [4, 6], "convolutions": [1, 2]}
count = partial(number_of_parameters, VGG)


def images_for(model: VGG, n: int = 4) -> torch.Tensor:
    """Returns noise of the size that a model takes."""
    size, channels = model.hparams.get("image_size", 32), model.hparams.get("in_channels", 3)
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": 11, "image_size": 32, "num_classes": 10},
        {"depth": 13, "image_size": 32, "num_classes": 7, "head": "average"},
        {"depth": 16, "image_size": 32, "num_classes": 10, "pool": "first"},
        {"depth": 19, "image_size": 32, "num_classes": 10, "head": "max"},
        SMALL,
        SMALL | {"pool": "first"},
        SMALL | {"head": "average"},
        SMALL | {"head": "max", "pool": "first"},
        SMALL | {"head_widths": [5, 7], "dropout": 0.5},
        SMALL | {"batch_norm": False},
        SMALL | {"in_channels": 1, "image_size": 28, "num_classes": 13},
        SMALL | {"in_channels": 1, "image_size": 4, "num_classes": 2},
        SMALL | {"image_size": 64, "num_classes": 101},
        SMALL | {"image_size": 29},
        SMALL | {"widths": [4], "convolutions": [3], "activation": "gelu"},
        SMALL | {"activation": "silu", "initializer": "xavier", "logit_scale": 0.1},
        SMALL | {"activation": "tanh", "initializer": "identity", "head_initializer": "normal"},
        SMALL | {"activation": "sigmoid", "initializer": "truncated_normal", "initializer_scale": 0.5},
        SMALL | {"whiten": True},
        SMALL | {"residual": True},
        SMALL | {"residual": True, "pool": "first", "convolutions": [2, 3]},
        SMALL | {"residual": True, "batch_norm": False},
    ],
    ids=lambda settings: "-".join(str(value) for value in settings.values()),
)
def test_logits_are_finite_and_every_parameter_gets_a_gradient(settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    model = VGG(**settings)
    images = images_for(model)
    if settings.get("whiten"):
        model.whitening[0].initialize_from(images)
    logits = model(images)
    assert logits.shape == (4, settings["num_classes"])
    assert torch.isfinite(logits).all()
    nn.functional.cross_entropy(logits, torch.arange(4) % settings["num_classes"]).backward()
    assert_gradients(model)


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        # (conv 32, conv 32, pool) x 1 and so on: sizes that others published
        (52_266, {"widths": [32, 32, 32], "convolutions": [2, 2, 2]}),
        (80_010, {"widths": [32, 32, 32], "convolutions": [3, 3, 3]}),
        (138_357_544, {"depth": 16, "image_size": 224, "num_classes": 1000, "head_widths": [4096, 4096]}),
        (132_863_336, {"depth": 11, "image_size": 224, "num_classes": 1000, "head_widths": [4096, 4096]}),
        (143_667_240, {"depth": 19, "image_size": 224, "num_classes": 1000, "head_widths": [4096, 4096]}),
    ],
)
def test_nets_without_norm_have_their_published_size(expected: int, settings: dict[str, object]) -> None:
    assert count(**{"num_classes": 10, "batch_norm": False} | settings) == expected


def test_a_norm_has_a_scale_and_a_bias_in_place_of_the_convolutions_bias() -> None:
    assert count(**SMALL) == count(**SMALL, batch_norm=False) + (4 + 6 + 6)
    assert count(**SMALL, convolution_bias=True) == count(**SMALL) + (4 + 6 + 6)
    assert count(**SMALL, batch_norm=False, convolution_bias=False) == count(**SMALL) - 2 * (4 + 6 + 6)


def test_pooling_comes_last_or_after_the_first_convolution() -> None:
    def kinds(pool: str) -> list[str]:
        return [type(layer).__name__ for layer in VGG(**SMALL, pool=pool).stages[1]]

    unit = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds("last") == [*unit, *unit, "MaxPool2d"]
    assert kinds("first") == ["PooledConv2d", "MaxPool2d", "BatchNorm2d", "ReLU", *unit]


def test_a_residual_stage_adds_its_first_convolutions_output_to_its_last_ones() -> None:
    model = VGG(**SMALL | {"convolutions": [3, 3], "pool": "first", "residual": True}).eval()
    assert [type(layer).__name__ for layer in model.stages[0]] == [
        *("PooledConv2d", "MaxPool2d", "BatchNorm2d", "ReLU", "Residual", "ReLU")
    ]
    names = ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"]
    assert [type(layer).__name__ for layer in model.stages[0][4]] == names
    images = images_for(model)
    x0 = model.stages[0][:4](images)
    residual = x0
    for layer in model.stages[0][4]:
        residual = layer(residual)
    assert torch.equal(model.stages[0](images), (x0 + residual).relu())
    one = VGG(**SMALL | {"convolutions": [1, 1], "residual": True})
    assert not any(type(layer).__name__ == "Residual" for layer in one.modules())


def test_settings_reach_their_layers() -> None:
    model = VGG(**SMALL, norm_momentum=0.3, norm_epsilon=1e-3, norm_scale=False, head_widths=[5], dropout=0.25)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps, norm.weight.requires_grad) for norm in norms} == {(0.3, 1e-3, False)}
    assert [module.p for module in model.classifier if isinstance(module, nn.Dropout)] == [0.25, 0.25]


def test_logits_are_scaled() -> None:
    torch.manual_seed(0)
    model = VGG(**SMALL).eval()
    before = model(images_for(model))
    model.logit_scale = 0.25
    torch.testing.assert_close(model(images_for(model)), before / 4)


@pytest.mark.parametrize("pool", ["first", "last"])
def test_channels_last_and_bfloat16_agree_with_float32(pool: str) -> None:
    torch.manual_seed(0)
    model = VGG(num_classes=10, image_size=32, widths=[16, 16, 16], convolutions=[1, 2, 2], pool=pool)
    rounded, expected = logits_in_bfloat16(model, images_for(model, 16))
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - expected).abs().max() < 0.1 * expected.std()
    assert not torch.equal(rounded.float(), expected)


@pytest.mark.parametrize(
    "changes",
    [{}, {"head_widths": [6], "pool": "first", "head": "max", "activation": "gelu", "norm_scale": False}],
    ids=["plain", "changed"],
)
def test_a_checkpoint_alone_gives_the_model_back(tmp_path: Path, changes: dict[str, object]) -> None:
    model = tiny_vgg(**changes)
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(model, datamodule=TinyDataModule())
    path = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    loaded = VGG.load_from_checkpoint(path, weights_only=True).eval()
    images = images_for(model)
    torch.testing.assert_close(loaded(images), model.eval()(images), rtol=0, atol=1e-6)
    for name, value in torch.load(path, weights_only=True)["hyper_parameters"].items():
        assert isinstance(value, str | int | float | list | None), f"{name} is a {type(value).__name__}"
    assert dict(loaded.hparams) == dict(model.hparams)
    assert not {"optimizer", "lr_scheduler"} & set(loaded.hparams)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"depth": 16, "image_size": 31}, "5 poolings need images of 32 pixels, not 31"),
        ({"widths": [4, 4], "convolutions": [1, 1], "image_size": 3}, "2 poolings need images of 4 pixels, not 3"),
        (
            {"widths": [4, 4], "convolutions": [1, 1], "image_size": 4, "whiten": True},
            "2 poolings need images of 5 pixels, not 4",
        ),
        ({"widths": [4, 4], "convolutions": [1]}, "2 widths and 1 convolutions"),
        ({"depth": 16, "widths": [4, 4]}, "depth already sets widths and convolutions"),
        ({"depth": 16, "convolutions": [1]}, "depth already sets widths and convolutions"),
        ({"widths": [4]}, "give depth"),
        ({"convolutions": [1]}, "give depth"),
        ({}, "give depth"),
        ({"widths": [4, 0], "convolutions": [1, 1]}, "at least 1"),
        ({"widths": [4, 4], "convolutions": [1, 0]}, "at least 1"),
        ({"widths": [4], "convolutions": [1], "head_widths": [0]}, "head_widths .* at least 1"),
    ],
)
def test_stages_that_do_not_fit_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        VGG(num_classes=10, **settings)
