"""Layers that start from data are shown training images, and not more than memory bears."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from callbacks import DataInitializer
from core.errors import InputError


class Layer(nn.Module):
    """Keeps what it was shown."""

    shown: Tensor | None = None

    def initialize_from(self, images: Tensor) -> None:
        """Takes the images."""
        self.shown = images


def data(channels: int, size: int) -> SimpleNamespace:
    """Returns a data set that gives as many images as are asked for, without memory for them."""
    sample = lambda n: torch.empty(n, channels, size, size, device="meta")  # noqa: E731
    return SimpleNamespace(in_channels=channels, image_size=size, sample=sample)


@pytest.mark.parametrize(("channels", "size", "expected"), [(3, 32, 5000), (1, 28, 5000), (3, 224, 102), (3, 4096, 1)])
def test_larger_images_are_fewer(channels: int, size: int, expected: int) -> None:
    layer = Layer()
    trainer = SimpleNamespace(datamodule=data(channels, size), strategy=SimpleNamespace(root_device="meta"))
    DataInitializer().setup(trainer, nn.Sequential(layer), "fit")
    assert layer.shown.shape == (expected, channels, size, size)


def test_nothing_is_shown_outside_training_nor_to_a_model_without_such_layers() -> None:
    layer = Layer()
    DataInitializer().setup(SimpleNamespace(datamodule=data(3, 32)), nn.Sequential(layer), "test")
    assert layer.shown is None
    DataInitializer().setup(SimpleNamespace(datamodule=None), nn.Sequential(nn.ReLU()), "fit")


def test_a_data_set_that_gives_no_samples_is_refused() -> None:
    with pytest.raises(InputError, match=r"0 starts from training samples .* which object does not give"):
        DataInitializer().setup(SimpleNamespace(datamodule=object()), nn.Sequential(Layer()), "fit")
