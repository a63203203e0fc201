"""The whitening layer, and the callback that shows it the data."""

from pathlib import Path

import torch

from callbacks import DataInitializer
from datamodules.images.synthetic import synthetic_images
from lightning_modules.layers.whitening import Whitening, WhiteningStem
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def images() -> torch.Tensor:
    pictures, _ = synthetic_images(200, seed=0, image_size=16)
    return (pictures.permute(0, 3, 1, 2).float() - 128) / 64


def test_whitened_components_have_unit_variance_and_no_correlation() -> None:
    layer = Whitening(3, epsilon=0.0)
    layer.initialize_from(images())
    components = layer(images())[:, :12].transpose(0, 1).flatten(1)  # [12, N 15 15]
    second_moments = components @ components.T / components.shape[1]
    assert torch.allclose(second_moments, torch.eye(12), atol=1e-3)


def test_the_second_half_of_the_filters_is_the_first_negated() -> None:
    layer = Whitening(1)
    layer.initialize_from(images()[:, :1])
    first, second = layer.weight.chunk(2)
    assert torch.equal(first, -second)
    assert layer(images()[:, :1]).shape == (200, 8, 15, 15)


def test_filters_are_set_once() -> None:
    layer = Whitening(3)
    layer.initialize_from(images())
    before = layer.weight.clone()
    layer.initialize_from(images() * 2)
    assert torch.equal(layer.weight, before)


def test_a_run_sets_the_filters_from_its_data_and_never_trains_them(tmp_path: Path) -> None:
    model, data, trainer = tiny_vgg(whiten=True), TinyDataModule(), tiny_trainer(tmp_path)
    trainer.fit(model, data)
    expected = Whitening(3)
    expected.initialize_from(data.sample(5000))
    assert torch.equal(model.whitening[0].weight, expected.weight)
    assert data.sample(7).shape == (7, 3, 16, 16)
    assert any(isinstance(callback, DataInitializer) for callback in trainer.callbacks)
    again = tiny_vgg(whiten=True)
    again.load_state_dict(torch.load(tmp_path / _last(trainer), weights_only=True)["state_dict"])
    assert torch.equal(again.whitening[0].weight, expected.weight)


def test_a_bias_is_trained_and_added_to_each_component(tmp_path: Path) -> None:
    model = tiny_vgg(whiten=True, whiten_bias=True)
    layer = model.whitening[0]
    before = layer.bias.detach().clone()
    tiny_trainer(tmp_path, logger=False).fit(model, TinyDataModule())
    assert not torch.equal(layer.bias, before)
    plain = torch.nn.functional.conv2d(images(), layer.weight)
    torch.testing.assert_close(layer(images()), plain + layer.bias[:, None, None])


def _last(trainer: object) -> Path:
    return trainer.run_folder.path / "checkpoints" / "last.ckpt"


def test_the_stem_halves_images_before_its_norm() -> None:
    stem, seen = WhiteningStem(3, 5), []
    stem.whitening.initialize_from(images())
    stem.norm.register_forward_hook(lambda _, args, __: seen.append(args[0].shape[1:]))
    assert stem(images()).shape == (200, 5, 7, 7)
    assert seen == [(5, 7, 7)]
    assert [name for name, _ in stem.named_parameters()] == ["conv.weight", "norm.weight", "norm.bias"]
    assert [name for name, _ in WhiteningStem(3, 5, batch_norm=False).named_parameters()] == [
        "conv.weight",
        "conv.bias",
    ]
