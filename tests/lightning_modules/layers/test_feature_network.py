"""Networks of VGG's kind give the features that torchvision's give, and are constants."""

import pytest
import torch
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from core.errors import InputError
from lightning_modules.layers.feature_network import VGG16, FeatureNetwork, as_constants
from lightning_modules.layers.named_networks import _renamed, make_feature_network


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """The convolutions of a VGG-16 of torchvision that has not learned anything."""
    torch.manual_seed(0)
    return make_layers(cfgs["D"]).state_dict(prefix="features.")


def test_features_are_torchvisions(weights: dict[str, torch.Tensor]) -> None:
    theirs = make_layers(cfgs["D"])
    theirs.load_state_dict({name.removeprefix("features."): value for name, value in weights.items()})
    form, tensors = _renamed(weights, "x")
    assert form == VGG16
    network = FeatureNetwork(form, tensors, ["relu1_2", "conv2_1", "relu5_3"], "max")
    pixels = torch.randint(256, (1, 3, 48, 64)).float()
    found = network(pixels)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    scaled = (pixels / 255 - mean[:, None, None]) / std[:, None, None]
    for name, place in {"relu1_2": 3, "conv2_1": 5, "relu5_3": 29}.items():
        expected = nn.Sequential(*(nn.ReLU() if isinstance(one, nn.ReLU) else one for one in theirs[: place + 1]))
        torch.testing.assert_close(found[name], expected(scaled), rtol=1e-4, atol=1e-6)


def test_no_layer_behind_the_last_that_is_asked_for_is_built(weights: dict[str, torch.Tensor]) -> None:
    network = FeatureNetwork(*_renamed(weights, "x"), ["relu2_1"], "average")
    assert [*network.places] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1", "relu2_1"]
    assert isinstance(network.steps.pool1, nn.AvgPool2d)


def test_an_output_depends_on_the_pixels_within_its_radius(weights: dict[str, torch.Tensor]) -> None:
    network, _ = make_feature_network("random:vgg16", ["relu3_1"], "average")
    place = network.places["relu3_1"]
    pixels = torch.rand(1, 3, 96, 96).mul(255).requires_grad_()
    network(pixels)["relu3_1"][0, :, 12, 12].sum().backward()
    rows = pixels.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    centre = 12 * place.stride
    assert 96 > rows.max() - rows.min() + 1 > 2 * place.radius - 2 * place.stride
    assert centre - place.radius <= rows.min()
    assert rows.max() < centre + place.stride + place.radius


def test_a_network_has_neither_parameters_nor_a_state() -> None:
    network, _ = make_feature_network("random:vgg19", ["relu1_1"], "max")
    assert not [*network.parameters()]
    assert not network.state_dict()
    norm = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    before = norm.eval()(torch.ones(1, 3, 2, 2))
    as_constants(norm)
    assert not norm.state_dict()
    torch.testing.assert_close(norm(torch.ones(1, 3, 2, 2)), before)


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"relu6_1: the network has no such layer; it has conv1_1, relu1_1"):
        make_feature_network("random:vgg16", ["relu6_1", "relu1_1"], "max")


def test_grey_pictures_are_seen_as_colours() -> None:
    network, _ = make_feature_network("random:vgg16", ["relu1_1"], "max")
    grey = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(network(grey)["relu1_1"], network(grey.repeat(1, 3, 1, 1))["relu1_1"])


def test_no_layer_behind_those_that_are_needed_now_is_run() -> None:
    network, _ = make_feature_network("random:vgg16", ["relu1_1", "relu2_1", "relu3_1"], "max")
    run = []
    for name, step in network.steps.named_children():
        step.register_forward_hook(lambda *_, name=name: run.append(name))
    pixels = torch.randint(256, (2, 3, 32, 32)).float()
    needed = network(pixels, {"relu2_1": 1.0})
    assert run[-1] == "relu2_1"
    whole = network(pixels)
    assert run[-1] == "relu3_1"
    assert [*whole] == ["relu1_1", "relu2_1", "relu3_1"]
    assert [*needed] == ["relu2_1"]
    assert torch.equal(needed["relu2_1"], whole["relu2_1"])
