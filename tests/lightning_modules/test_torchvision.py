"""Weights of torchvision's networks give ours the same logits."""

import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

import lightning_modules
from core.errors import InputError
from engine.weights.initial_weights import load_weights, read_weights
from lightning_modules import VGG
from lightning_modules.tasks.image_classifier import ImageClassifier

# The paper's dense layers, which torchvision has too; its convolutions have biases with and without norms.
WITH_BIASES = {"head_widths": [4096, 4096], "convolution_bias": True}

PAIRS: list[tuple[str, str, dict[str, object]]] = [
    # (torchvision's name, our class, our settings beside 1000 classes and 224x224x3 images)
    *((f"vgg{depth}", "VGG", WITH_BIASES | {"depth": depth, "batch_norm": False}) for depth in (11, 13, 16, 19)),
    *((f"vgg{depth}_bn", "VGG", WITH_BIASES | {"depth": depth}) for depth in (11, 13, 16, 19)),
    *((f"resnet{depth}", "ResNet", {"depth": depth}) for depth in (18, 34, 50, 101, 152)),
    *((f"densenet{depth}", "DenseNet", {"depth": depth}) for depth in (121, 169, 201)),
    ("googlenet", "GoogLeNet", {"five_by_five": False}),
    ("mobilenet_v2", "MobileNetV2", {}),
    ("alexnet", "AlexNet", {"form": 2014}),
]

SMALLER = {
    *("vgg11", "resnet18", "resnet50"),  # norms of a VGG: small_theirs
    *("densenet121", "googlenet", "mobilenet_v2", "alexnet"),
}


def torchvision_shapes(name: str) -> nn.Module:
    """Returns torchvision's network without memory for its weights."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GoogLeNet's, that its way to start will change
        return models.get_model(name, weights=None)


def torchvision_model(name: str) -> nn.Module:
    """Returns torchvision's network with random weights and, so that a swap would be seen, random norms."""
    return randomized(torchvision_shapes(name).to_empty(device="cpu"))


def randomized(model: nn.Module) -> nn.Module:
    """Fills a network's weights and norms at random, in place."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(999_983, generator=generator) * 2 - 1  # repeated: 100 million weights take long to draw
    for key, value in model.state_dict().items():
        if value.ndim > 1:
            bound = (3 / value[0].numel()) ** 0.5
            for part in value.view(-1).split(len(drawn)):
                torch.mul(drawn[: len(part)], bound, out=part)
        elif key.endswith(("running_var", "weight")):
            value.uniform_(0.5, 1.5, generator=generator)
        elif value.ndim:
            value.uniform_(-0.5, 0.5, generator=generator)
        else:
            value.fill_(7)  # a norm's number of batches
    return model.eval()


def our_shapes(class_name: str, **settings: object) -> ImageClassifier:
    """Returns our network without memory for its weights."""
    with torch.device("meta"):
        return getattr(lightning_modules, class_name)(**{"num_classes": 1000, "image_size": 224} | settings)


def our_model(class_name: str, **settings: object) -> ImageClassifier:
    """Returns our network, of which nothing has a value yet."""
    return our_shapes(class_name, **settings).to_empty(device="cpu").eval()


def image(size: int) -> Tensor:
    """Returns an image of noise."""
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "class_name", "settings"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_torchvisions_networks_have_our_layers(name: str, class_name: str, settings: dict[str, object]) -> None:
    networks = our_shapes(class_name, **settings), torchvision_shapes(name)
    shapes = [Counter(weight.shape for weight in model.parameters()) for model in networks]
    assert shapes[0] == shapes[1]


# The largest, which have more of the same blocks, take seconds each.
COMPARED = [pair for pair in PAIRS if pair[0] in SMALLER]


@pytest.mark.parametrize(("name", "class_name", "settings"), COMPARED, ids=[pair[0] for pair in COMPARED])
@torch.no_grad()
def test_torchvisions_weights_give_torchvisions_logits(name: str, class_name: str, settings: dict[str, object]) -> None:
    size = 224 if class_name in ("VGG", "AlexNet") else 96  # the others average over places, however many there are
    theirs, ours = torchvision_model(name), our_model(class_name, image_size=size, **settings)
    lines = load_weights(ours, theirs.state_dict(), name)
    assert len(lines) == 1, lines  # nothing skipped, nothing kept
    expected = theirs(image(size))
    assert expected.std() > 1e-2
    torch.testing.assert_close(ours(image(size)), expected, rtol=1e-4, atol=1e-4)


def small_theirs(batch_norm: bool) -> nn.Module:
    """Returns the convolutions of torchvision's VGG in small, with random weights and norms."""
    features = models.vgg.make_layers([4, "M", 6, 6, "M"], batch_norm)
    return randomized(nn.ModuleDict({"features": features}))


def small_ours(**changes: object) -> VGG:
    """Returns our VGG with the same convolutions."""
    return VGG(**{"num_classes": 3, "image_size": 8, "widths": [4, 6], "convolutions": [1, 2]} | changes).eval()


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_vgg_whose_convolutions_have_no_biases_takes_them_into_its_norms(bias: bool) -> None:
    theirs, ours = small_theirs(batch_norm=True), small_ours(convolution_bias=bias)
    weights = theirs.state_dict()
    before = {key: value.clone() for key, value in weights.items()}
    lines = load_weights(ours, weights, "w.pth")
    assert [line.split()[2] for line in lines[1:]] == ["classifier.3.weight:", "classifier.3.bias:"], lines
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(ours.stages[1](ours.stages[0](x)), theirs["features"](x))
    assert all(torch.equal(value, before[key]) for key, value in weights.items())


@pytest.mark.parametrize(
    ("batch_norm", "changes"),
    [
        (True, {"batch_norm": False}),
        (True, {"convolutions": [3, 3], "batch_norm": False}),  # as many layers, but not of the same kinds
        (False, {"batch_norm": True}),
        (True, {"convolutions": [2, 2]}),
    ],
)
def test_a_vgg_of_other_layers_is_refused(batch_norm: bool, changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="nothing in it fits this model"):
        load_weights(small_ours(**changes), small_theirs(batch_norm).state_dict(), "w.pth")


def test_a_file_of_torchvisions_network_is_loaded_but_for_its_head(tmp_path: Path) -> None:
    theirs = torchvision_model("resnet18").state_dict()
    torch.save(theirs, tmp_path / "w.pth")
    ours = our_model("ResNet", depth=18, num_classes=7)
    lines = load_weights(ours, read_weights("w.pth"), "w.pth")
    assert lines == [
        f"weights  {len(theirs) - 2} of the model's {len(theirs)} tensors loaded from w.pth",
        "         skipped fc.weight: [1000, 512] there, [7, 512] in the model",
        "         skipped fc.bias: [1000] there, [7] in the model",
    ]
    assert torch.equal(ours.stages[3][1].conv2.weight, theirs["layer4.1.conv2.weight"])


@pytest.mark.parametrize(
    ("theirs", "ours", "settings"),
    [
        ("resnet18", "DenseNet", {"depth": 121}),
        ("densenet121", "ResNet", {"depth": 18}),
        ("resnet18", "ResNet", {"depth": 50}),
        ("resnet50", "ResNet", {"depth": 18}),
        ("resnet34", "ResNet", {"depth": 56}),
        ("resnet18", "VGG", {"widths": [64], "convolutions": [2]}),
    ],
)
def test_another_networks_weights_are_refused_in_one_line(theirs: str, ours: str, settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"nothing in it fits|layers fit: it is of another network") as caught:
        load_weights(our_shapes(ours, **settings), torchvision_shapes(theirs).state_dict(), theirs)
    assert "\n" not in str(caught.value)
