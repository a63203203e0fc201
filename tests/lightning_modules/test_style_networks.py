"""EfficientNet-Lite gives the features of its own steps, as constants."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.errors import InputError
from datamodules import StylePicturesDataModule
from engine.trainer import Trainer
from lightning_modules import EfficientNetLite, StyleTransfer
from lightning_modules.layers import memory_forecast
from lightning_modules.style_networks import PRETRAINED, StepFeatures, make_style_network

NAME = "pretrained:efficientnet_lite0"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> EfficientNetLite:
    """A network whose weights stand in for those of the package."""
    torch.manual_seed(0)
    made = EfficientNetLite(1000)
    for value in made.state_dict().values():
        if value.ndim == 1:
            value.uniform_(0.5, 1.5)  # norms that have learned something
    weights = {key: value.clone() for key, value in made.state_dict().items()}
    monkeypatch.setitem(PRETRAINED, "efficientnet_lite0", SimpleNamespace(read=lambda: weights))
    return made.eval()


@torch.no_grad()
def test_its_features_are_those_of_its_steps(model: EfficientNetLite) -> None:
    network, signature = make_style_network(NAME, ["stem", "block4"], "max")
    pixels = 255 * torch.rand(1, 3, 50, 70)
    found = network.train()(pixels)
    scaled = (pixels - 127) / 128
    torch.testing.assert_close(found["stem"], model.stem(scaled))
    torch.testing.assert_close(found["block4"], model.blocks[:4](model.stem(scaled)), rtol=1e-3, atol=1e-4)
    for layer, features in found.items():
        assert network.size_at(layer, (50, 70)) == features.shape[2:]
        assert network.places[layer].channels == features.shape[1]
    assert [*network.places] == ["stem", "block1", "block2", "block3", "block4"]
    assert not network.state_dict()
    assert not [*network.parameters()]
    assert signature.startswith(f"{NAME} ")


def test_pictures_are_trained_by_it_but_not_in_tiles(model: EfficientNetLite, tmp_path: Path) -> None:
    data = StylePicturesDataModule(source="synthetic", long_side=64, steps=2)
    layers = {"content_layers": {"block4": 1.0}, "style_layers": {"stem": 0.5, "block2": 0.5}}
    trainer = Trainer(accelerator="cpu", devices=1, max_epochs=1, logger=False, default_root_dir=tmp_path)
    trainer.fit(StyleTransfer(data.image_size, network=NAME, **layers), data)
    assert trainer.callback_metrics["train/style"] > 0
    with pytest.raises(InputError, match=rf"--model\.tile 64: {NAME} sees pictures whole"):
        trainer.fit(StyleTransfer(data.image_size, network=NAME, tile=64, **layers), data)


def test_where_memory_is_short_no_tiles_are_advised_that_it_does_not_take(
    model: EfficientNetLite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_forecast, "available_memory", lambda: 1000)
    data = StylePicturesDataModule(source="synthetic", long_side=64, steps=2)
    layers = {"content_layers": {"block4": 1.0}, "style_layers": {"stem": 0.5, "block2": 0.5}}
    trainer = Trainer(accelerator="cpu", devices=1, max_epochs=1, logger=False, default_root_dir=tmp_path)
    with pytest.raises(InputError, match=r"available: give a smaller --data\.long_side, or a smaller history_size"):
        trainer.fit(StyleTransfer(data.image_size, network=NAME, **layers), data)


def test_a_layer_or_package_that_is_not_there_is_named(model: EfficientNetLite) -> None:
    with pytest.raises(InputError, match="relu1_1: the network has no such layer; it has stem, block1"):
        make_style_network(NAME, ["relu1_1"], "max")
    with pytest.raises(InputError, match="efficientnet_lite2: the package that holds these weights is absent"):
        make_style_network("pretrained:efficientnet_lite2", ["stem"], "max")


def test_other_names_are_those_of_vggs() -> None:
    network, _ = make_style_network("random:vgg16", ["relu1_1"], "max")
    assert not isinstance(network, StepFeatures)
