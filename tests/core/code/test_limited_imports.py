"""Names in settings and checkpoints import nothing else than what is allowed."""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from jsonargparse._common import parsing_settings
from torch import nn

from core.code.limited_imports import limited_imports
from lightning_modules import VGG


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of somebody, with a class."""
    (tmp_path / "some_module.py").write_text("from torch import nn\nclass Net(nn.Module): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "some_module.Net"
    sys.modules.pop("some_module", None)


def parsed(value: Any) -> Any:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--net", type=nn.Module)
    return parser.parse_object({"net": value}).net


def test_names_of_others_are_refused_before_they_are_imported(module: str) -> None:
    before = dict(parsing_settings)
    with limited_imports([]):
        assert parsed("torch.nn.ReLU").class_path == "torch.nn.ReLU"
        for name in (module, "torch.os.system", "core.code.known_code.sys.exit"):
            with pytest.raises(Exception, match="not allowed"):
                parsed(name)
    assert "some_module" not in sys.modules
    with limited_imports(["some_module"]):
        assert parsed(module).class_path == module
    assert parsing_settings == before


def test_a_checkpoint_names_no_code_of_others(module: str, tmp_path: Path) -> None:
    sizes = {"num_classes": 2, "in_channels": 1, "image_size": 8, "widths": [2], "convolutions": [1]}
    network = VGG(**sizes)
    content = {"state_dict": network.state_dict(), "pytorch-lightning_version": "2.6.0"}
    content["hyper_parameters"] = sizes | {
        "optimizer": {"class_path": module},
        "_class_path": "lightning_modules.VGG",
        "_instantiator": "pytorch_lightning.cli.instantiate_module",
    }
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(Exception, match="not allowed"):
        VGG.load_from_checkpoint(tmp_path / "a.ckpt")
    assert "some_module" not in sys.modules
    content["hyper_parameters"].pop("optimizer")
    torch.save(content, tmp_path / "a.ckpt")
    loaded = VGG.load_from_checkpoint(tmp_path / "a.ckpt")
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in network.state_dict().items())
    with pytest.raises(TypeError, match="cannot be called on an instance"):
        loaded.load_from_checkpoint(tmp_path / "a.ckpt")


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["address", "environment"])
def test_a_checkpoint_is_read_without_running_code_unless_the_caller_says_so(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ran = tmp_path / "a.ckpt", tmp_path / "ran"
    sizes = {"num_classes": 2, "in_channels": 1, "image_size": 8, "widths": [2], "convolutions": [1]}
    content = {"state_dict": VGG(**sizes).state_dict(), "pytorch-lightning_version": "2.6.0", "more": Touch(ran)}
    torch.save(content | {"hyper_parameters": sizes}, path)
    given = str(path)
    if where == "environment":
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    else:
        given = "https://example.org/a.ckpt"
        read = lambda address, **options: torch.load(path, **options)  # noqa: E731
        monkeypatch.setattr("torch.hub.load_state_dict_from_url", read)
    with pytest.raises(pickle.UnpicklingError):
        VGG.load_from_checkpoint(given)
    assert not ran.exists()
    VGG.load_from_checkpoint(given, weights_only=False)
    assert ran.exists()
