"""Modules of other packages that are not complete as they are constructed train, resume, and are measured."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule
from safetensors.torch import load_file

from engine.weights.initial_weights import load_weights, read_weights
from tests.foreign.other_package.data import Pictures
from tests.foreign.other_package.later import Counted, Lazy
from tests.tiny import tiny_trainer

Command = Callable[..., tuple[int, str, str]]
MODELS, DATA = "tests.foreign.other_package.later.", "tests.foreign.other_package.data."
PICTURES, CPU = ("--data", DATA + "Pictures"), ("--trainer.accelerator", "cpu", "--trainer.max_epochs", 1)


def train(name: str, command: Command) -> Path:
    """Trains a model for an epoch; returns the run's folder."""
    trial = ("--trainer.num_sanity_val_steps", int(name == "Lazy"))
    code, _, errors = command("fit", "--model", MODELS + name, *PICTURES, *CPU, "--run_dir", "run", *trial)
    assert code == 0, errors
    return Path("run")


@pytest.mark.parametrize("name", ["MadeInSetup", "MadeInConfigureModel", "Lazy", "KeepsLess", "Counted"])
def test_it_goes_on_and_is_measured(name: str, command: Command) -> None:
    run = train(name, command)
    code, output, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 2)
    assert code == 0, errors
    assert "resumed  at step 5" in output
    for words in (["validate"], ["test"], ["predict", "--output", "x.csv"]):
        code, _, errors = command(*words, "--ckpt_path", run)
        assert code == 0, errors
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 10


def test_what_a_layer_keeps_beside_its_weights_goes_on(command: Command) -> None:
    run = train("Counted", command)
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 2)
    assert code == 0, errors
    kept = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert kept["head._extra_state"] == {"calls": 10}


def test_weights_that_lightning_refuses_are_told_in_one_line(command: Command) -> None:
    run = train("MadeInSetup", command)
    for subcommand in ("test", "validate", "predict"):
        code, _, errors = command(subcommand, "--ckpt_path", run, "--model.width", 7)
        assert code == 2, errors
        assert errors.count("\n") == 1
        assert "best.ckpt: of another model: size mismatch for shift: " in errors
        assert "the settings of its run" in errors


def test_weights_without_a_shape_are_refused_before_training(command: Command) -> None:
    code, _, errors = command("fit", "--model", MODELS + "Lazy", *PICTURES, *CPU, "--run_dir", "run")
    assert code == 2
    assert errors.count("\n") == 1
    assert "Lazy: head.weight has no shape before a first batch" in errors
    assert not Path("run").exists()


def test_what_a_layer_keeps_that_cannot_be_read_again_is_refused_before_training(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODELS + "Counting.get_extra_state", lambda self: Path("x"))
    code, _, errors = command("fit", "--model", MODELS + "Counted", *PICTURES, *CPU, "--run_dir", "run")
    assert code == 2
    assert errors.count("\n") == 1
    assert "'state_dict' in checkpoints holds pathlib" in errors
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["MadeInSetup", "MadeInConfigureModel"])
def test_what_makes_its_layers_later_is_not_exported_in_part(name: str, command: Command) -> None:
    run = train(name, command)
    code, _, errors = command("export", "--output", "x.safetensors", "--ckpt_path", run)
    assert code == 2, errors
    assert errors.count("\n") == 1
    assert "is not there once it is constructed, but made in setup or configure_model" in errors
    assert not Path("x.safetensors").exists()
    code, _, errors = command("inspect", "--ckpt_path", run)
    assert code == 2, errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("name", ["Lazy", "KeepsLess", "Counted"])
def test_what_has_its_layers_is_exported(name: str, command: Command) -> None:
    run = train(name, command)
    code, _, errors = command("export", "--output", "x.safetensors", "--ckpt_path", run)
    assert code == 0, errors
    written = load_file("x.safetensors")
    kept = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(written[name], value) for name, value in kept.items() if name in written)
    assert kept.keys() - written.keys() <= {"head._extra_state"}


@pytest.mark.parametrize("kind", [Lazy, Counted])
def test_a_notebook_and_weights_take_them(kind: type[LightningModule], tmp_path: Path) -> None:
    torch.manual_seed(0)
    trainer = tiny_trainer(tmp_path, max_epochs=1, num_sanity_val_steps=1)
    trainer.fit(kind(), Pictures())
    path = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    model = trainer.lightning_module
    with torch.no_grad():
        model.head.weight.zero_()
    load_weights(model, read_weights(str(path)), str(path))
    assert model.head.weight.abs().sum() > 0
