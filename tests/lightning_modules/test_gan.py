"""The dense adversarial network."""

import pytest
import torch

from core.errors import InputError
from lightning_modules import GAN


def test_the_published_network() -> None:
    network = GAN()
    assert sum(p.numel() for p in network.generator.parameters()) == 101 * 128 + 129 * 784
    assert sum(p.numel() for p in network.discriminator.parameters()) == 785 * 128 + 129
    pictures = network(torch.randn(3, 100))
    assert pictures.shape == (3, 1, 28, 28)
    assert pictures.abs().max() <= 1
    assert network.scores(pictures, None).shape == (3,)


def test_classes_change_pictures_and_scores() -> None:
    network = GAN(num_classes=4, conditional=True, image_size=6, in_channels=3)
    noise, classes = torch.randn(2, 100), torch.tensor([3, 0])
    pictures = network(noise, classes)
    assert not torch.allclose(pictures, network(noise, torch.tensor([1, 1])))
    of_all = network.discriminator.layers(pictures.flatten(1))
    assert torch.equal(network.scores(pictures, classes), of_all[torch.arange(2), classes])


def test_networks_without_hidden_layers() -> None:
    network = GAN(generator_widths=[], discriminator_widths=[], image_size=4)
    assert network.scores(network(torch.randn(2, 100)), None).shape == (2,)


def test_widths_are_at_least_1() -> None:
    with pytest.raises(InputError, match="are at least 1"):
        GAN(generator_widths=[0])
