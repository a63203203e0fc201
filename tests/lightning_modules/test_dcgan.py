"""DCGAN's two networks: sizes, classes, norms, and what does not fit together."""

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import DCGAN
from lightning_modules.dcgan import doublings_of
from tests.generated import tiny_dcgan


@pytest.mark.parametrize(("size", "count"), [(8, 1), (16, 2), (28, 2), (32, 3), (40, 3), (64, 4), (96, 4), (256, 6)])
def test_maps_are_doubled_from_4_to_7_pixels(size: int, count: int) -> None:
    assert doublings_of(size) == count
    network = DCGAN(image_size=size, width=1, noise_size=3)
    pictures = network(torch.randn(2, 3))
    assert pictures.shape == (2, 3, size, size)
    assert network.scores(pictures, None).shape == (2,)


@pytest.mark.parametrize(("size", "near"), [(4, "8, 10"), (30, "28, 32"), (27, "28, 24"), (100, "96, 112")])
def test_another_size_is_refused_and_sizes_near_are_named(size: int, near: str) -> None:
    with pytest.raises(
        InputError, match=f"pictures of {size} pixels are not 4 to 7 pixels doubled; sizes near: {near}"
    ):
        DCGAN(image_size=size)


def test_the_published_networks() -> None:
    """Of `published/dcgan_mnist.yaml`: parameters counted by hand, convolutions before norms without biases."""
    network = DCGAN(in_channels=1, width=32, stages=4, kernel=5, first_norm=True, logits=2)
    made = 100 * 2048 + 25 * (128 * 64 + 64 * 32) + (25 * 32 + 1) + 2 * (128 + 64 + 32)
    assert sum(p.numel() for p in network.generator.parameters()) == made
    judged = 25 * (32 + 32 * 64 + 64 * 128 + 128 * 256) + 2 * (32 + 64 + 128 + 256) + 2 * 1024 + 2
    assert sum(p.numel() for p in network.discriminator.parameters()) == judged
    kinds = [type(module) for module in network.discriminator.layers]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU] * 4


def test_two_logits_are_one_score() -> None:
    network = tiny_dcgan(logits=2, norm="none").discriminator
    images = torch.randn(3, 1, 8, 8)
    logits = network.head(network.layers(images).flatten(1))
    torch.testing.assert_close(network(images), logits[:, 1] - logits[:, 0])


def test_pictures_and_scores_depend_on_the_class() -> None:
    network = tiny_dcgan(conditional=True, norm="spectral").eval()
    noise, classes = torch.randn(2, 5), torch.tensor([0, 2])
    pictures = network(noise, classes)
    assert not torch.allclose(pictures, network(noise, torch.tensor([1, 1])))
    assert not torch.allclose(network.scores(pictures, classes), network.scores(pictures, torch.tensor([1, 1])))
    torch.testing.assert_close(network(noise[:1], classes[:1]), pictures[:1])  # whatever stands beside it


def test_norms_without_running_statistics_normalise_samples_by_each_other() -> None:
    network = tiny_dcgan(running_statistics=False).eval()
    noise = torch.randn(4, 5)
    assert not torch.allclose(network(noise)[:2], network(noise[:2]))


def test_a_generator_without_norms_makes_each_picture_by_itself() -> None:
    network = tiny_dcgan(generator_norm=False).train()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.generator.modules())
    assert all(layer.bias is not None for layer in network.generator.modules() if isinstance(layer, nn.Conv2d))
    noise = torch.randn(4, 5)
    torch.testing.assert_close(network(noise)[:2], network(noise[:2]))


@pytest.mark.parametrize("initializer", ["normal", "xavier", "uniform"])
def test_spectral_norms_bound_every_layer_from_the_first_step_on(initializer: str) -> None:
    torch.manual_seed(0)
    network = tiny_dcgan(width=16, norm="spectral", conditional=True, initializer=initializer).train()
    layers = [*(m for m in network.discriminator.layers if isinstance(m, nn.Conv2d)), network.discriminator.head]
    layers.append(network.discriminator.directions)
    for tolerance, steps in [(0.06, 0), (0.02, 30)]:
        for _ in range(steps):  # of the power iteration
            network.scores(torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
        for layer in layers:
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=tolerance)


@pytest.mark.parametrize("kind", ["normal", "xavier", "uniform"])
@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_initial_weights(kind: str, norm: str) -> None:
    network = tiny_dcgan(width=64, initializer=kind, norm=norm)
    for layer in (network.generator.project, network.discriminator.head):
        weights = layer.parametrizations.weight.original if hasattr(layer, "parametrizations") else layer.weight
        outputs, inputs = weights.shape
        bound = {"uniform": 1 / inputs, "xavier": 6 / (inputs + outputs)}.get(kind)
        expected = 0.02 if bound is None else (bound / 3) ** 0.5
        assert weights.std().item() == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": 5}, "5 halvings need pictures of 32 pixels, not 8"),
        ({"r1": 1.0}, "a penalty on gradients needs a discriminator without batch norms"),
        ({"r1": 1.0, "gradient_penalty": 1.0, "norm": "none"}, "give one of the two"),
        ({"loss": "hinge", "real_target": 0.9}, "the hinge loss has no targets to smooth"),
        ({"conditional": True, "num_classes": None}, "the data has no classes"),
        ({"classes": [3], "conditional": True}, "makes pictures of classes 0 to 2"),
        ({"classes": [0]}, "makes pictures of classes none, since the model is not conditional"),
        ({"average": 1.0}, "model.average is 1"),
        ({"width": 0}, "model.width is 0"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tiny_dcgan(**settings)
