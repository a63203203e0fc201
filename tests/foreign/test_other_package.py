"""Models and data of another package train, are measured, recorded and resumed by the same command."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from torch.utils.data import DataLoader

from callbacks import RunCheckpoint
from core.errors import InputError
from tests.foreign.other_package.data import Pictures, pictures
from tests.foreign.other_package.models import Net, Remembering
from tests.interruptions import PulledPlug, PullPlug
from tests.tiny import TinyDataModule, tiny_trainer

Command = Callable[..., tuple[int, str, str]]
MODELS, DATA = "tests.foreign.other_package.models.", "tests.foreign.other_package.data."
NET, PICTURES = ("--model", MODELS + "Net"), ("--data", DATA + "Pictures")
CPU = ("--trainer.accelerator", "cpu", "--trainer.max_epochs", 2)
VGG = ("--model", "lightning_modules.VGG", "--model.widths", "[8]", "--model.convolutions", "[1]")


def metrics_of(run: Path) -> list[dict[str, str]]:
    """Returns the rows of a run's `metrics.csv`."""
    with open(run / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_all_of_its_record(tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    code, output, errors = command("fit", *NET, *PICTURES, *CPU, "--run_dir", run, "--checkpoint.monitor", "val_loss")
    assert code == 0, errors
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["run", "data", "model", "device", "note"]
    assert "40 training, 16 validation samples" in lines[1]
    assert "a resume within an epoch reads its earlier batches again" in lines[4]
    assert [line for line in lines if line.startswith("epoch   1/1") and "train_loss" in line and "val_loss" in line]
    assert "best val_loss" in output
    for name in ("config.yaml", "curves.png", "checkpoints/last.ckpt", "checkpoints/best.ckpt"):
        assert (run / name).stat().st_size > 0
    assert list((run / "tensorboard").glob("events.*"))
    rows = metrics_of(run)
    assert [row["step"] for row in rows] == ["5", "10"]
    assert all(float(row["val_loss"]) > 0 and float(row["train_loss"]) > 0 for row in rows)
    assert json.loads((run / "summary.json").read_text())["data"]["sizes"] == {"train": 40, "val": 16}

    code, output, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert "24 test samples" in output
    assert "test_loss" in output
    assert "test_loss" in json.loads((run / "summary.json").read_text())["tests"][0]["metrics"]
    code, output, errors = command("predict", "--ckpt_path", run, "--output", tmp_path / "x.csv")
    assert code == 0, errors
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 1 + 24
    code, _, errors = command("predict", "--ckpt_path", run, "--input", "cat.png")
    assert code == 2
    assert "Pictures reads no files" in errors


def test_boring_classes_of_lightning_train(tmp_path: Path, command: Command) -> None:
    boring = "pytorch_lightning.demos.boring_classes.Boring"
    code, output, errors = command(
        *("fit", "--model", boring + "Model", "--data", boring + "DataModule", *CPU), "--run_dir", tmp_path / "run"
    )
    assert code == 0, errors
    assert "64 training, 64 validation samples" in output
    code, _, errors = command("test", "--ckpt_path", tmp_path / "run")
    assert code == 0, errors


@pytest.mark.parametrize("kind", ["list", "two lists", "scheduler", "plateau"])
def test_whatever_configure_optimizers_returns_trains(kind: str, tmp_path: Path, command: Command) -> None:
    code, _, errors = command(
        *("fit", *NET, *PICTURES, *CPU, "--model.optimizers", kind, "--run_dir", tmp_path / "run")
    )
    assert code == 0, errors
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 10


def test_two_optimizers_by_hand_count_batches_and_continue(tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    code, output, errors = command("fit", "--model", MODELS + "TwoPlayers", *PICTURES, *CPU, "--run_dir", run)
    assert code == 0, errors
    assert "loss_d" in output
    code, output, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 3)
    assert code == 0, errors
    assert [row["step"] for row in metrics_of(run)] == ["5", "10", "15"]
    code, _, errors = command("test", "--ckpt_path", run)
    assert code == 2
    assert "test_step" in errors


def test_a_stream_and_several_validation_loaders_train(tmp_path: Path, command: Command) -> None:
    code, output, errors = command("fit", *NET, "--data", DATA + "StreamedPictures", *CPU)
    assert code == 0, errors
    code, output, errors = command(
        *("fit", *NET, *PICTURES, *CPU, "--data.val_loaders", 2),
        *("--checkpoint.monitor", "val_loss/dataloader_idx_1"),
    )
    assert code == 0, errors
    assert "best val_loss/dataloader_idx_1" in output


def test_the_nan_guard_stops_it(tmp_path: Path, command: Command) -> None:
    code, _, errors = command("fit", *NET, *PICTURES, *CPU, "--model.explode_at", 3, "--run_dir", tmp_path / "run")
    assert code == 1
    assert "diverged: the loss of step 3 is not finite" in errors
    assert (tmp_path / "run" / "diverged_batch.pt").exists()


def fit(
    root: Path, epochs: int = 3, persistent: bool = False, **settings: object
) -> tuple[Path, dict[str, torch.Tensor]]:
    """Trains a Net on Pictures; returns the run's folder and the weights."""
    torch.manual_seed(0)
    model, trainer = Net(), tiny_trainer(root, max_epochs=epochs, **settings.pop("trainer", {}))
    trainer.fit(model, Pictures(persistent=persistent), **settings)
    return trainer.run_folder.path, {name: value.clone() for name, value in model.state_dict().items()}


def test_a_resume_within_an_epoch_is_exact(tmp_path: Path) -> None:
    """The loader shuffles, and the data set adds noise; both follow from seed, epoch and batch."""
    _, whole = fit(tmp_path / "whole")
    callbacks = [RunCheckpoint(every_n_train_steps=3), PullPlug(8)]
    with pytest.raises(PulledPlug):
        fit(tmp_path / "part", trainer={"callbacks": callbacks})
    (checkpoint,) = (tmp_path / "part").rglob("last.ckpt")
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 6  # the second epoch has begun
    _, resumed = fit(tmp_path / "part", ckpt_path=checkpoint)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("step", [8, 11])
def test_persistent_workers_draw_the_same_after_a_resume(step: int, tmp_path: Path) -> None:
    """They kept their random generators from one epoch to the next; steps within an epoch, and at its end."""
    _, whole = fit(tmp_path / "whole", persistent=True)
    callbacks = [RunCheckpoint(every_n_train_steps=3), PullPlug(step)]
    with pytest.raises(PulledPlug):
        fit(tmp_path / "part", trainer={"callbacks": callbacks}, persistent=True)
    (checkpoint,) = (tmp_path / "part").rglob("last.ckpt")
    _, resumed = fit(tmp_path / "part", ckpt_path=checkpoint, persistent=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_our_model_takes_plain_batches_and_the_sizes_that_are_given(tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    code, _, errors = command("fit", *VGG, *PICTURES, *CPU)
    assert code == 2
    assert "VGG needs --model.num_classes, unless Pictures states it" in errors
    sizes = ("--model.num_classes", 5, "--model.image_size", 16)
    code, output, errors = command("fit", *VGG, *sizes, *PICTURES, *CPU, "--run_dir", run)
    assert code == 0, errors
    assert "best validation accuracy" in output
    assert yaml.safe_load((run / "config.yaml").read_text())["model"]["init_args"]["num_classes"] == 5
    for subcommand in ("test", "predict"):
        code, output, errors = command(subcommand, "--ckpt_path", run)
        assert code == 0, errors


def test_our_model_names_a_batch_that_it_cannot_take(tmp_path: Path, command: Command) -> None:
    boring = "pytorch_lightning.demos.boring_classes.BoringDataModule"
    code, _, errors = command("fit", *VGG, "--model.num_classes", 5, "--data", boring, *CPU)
    assert code == 2
    assert "VGG takes batches of (images, targets)" in errors
    assert "a tensor of float32 [1, 32]" in errors


def test_their_model_takes_our_images_as_a_pair(tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    code, output, errors = command("fit", *NET, "--data", "tests.tiny.TinyDataModule", *CPU, "--run_dir", run)
    assert code == 0, errors
    assert "channels last" not in output
    code, output, errors = command("predict", "--ckpt_path", run)
    assert code == 0, errors
    assert "test[0]" in output


def test_a_checkpoint_of_theirs_holds_no_size_that_they_do_not_take(tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    words = ("--model", MODELS + "Remembering", "--model.lr", 0.01, "--data", "tests.tiny.TinyDataModule")
    code, _, errors = command("fit", *words, *CPU, "--run_dir", run)
    assert code == 0, errors
    assert Remembering.load_from_checkpoint(run / "checkpoints" / "last.ckpt").lr == 0.01


def test_class_paths_lead_into_the_current_folder(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module_of_a_user.py").write_text(f"from {MODELS.rstrip('.')} import Net\n\nclass Mine(Net): ...\n")
    monkeypatch.setattr("sys.path", [path for path in sys.path if path])
    code, output, errors = command("fit", "--model", "module_of_a_user.Mine", *PICTURES, *CPU)
    assert code == 0, errors
    assert "model    Mine" in output


def test_a_model_that_brings_its_own_loaders_is_told_so(command: Command) -> None:
    code, _, errors = command("fit", "--model", "pytorch_lightning.demos.boring_classes.BoringModel", *CPU)
    assert code == 2
    assert "the config names no data" in errors


def test_a_notebook_may_give_plain_loaders(tmp_path: Path) -> None:
    loader = DataLoader(pictures(16, 0), batch_size=8, shuffle=True)
    trainer = tiny_trainer(tmp_path)
    trainer.fit(Net(), loader, DataLoader(pictures(8, 1), batch_size=8))
    assert [row["step"] for row in metrics_of(trainer.run_folder.path)] == ["2", "4"]
    with pytest.raises(InputError, match="needs a data module or loaders"):
        tiny_trainer(tmp_path).fit(Net())
    with pytest.raises(InputError, match="images"):
        tiny_trainer(tmp_path, callbacks=[]).fit(Net(), TinyDataModule(batch_size=9999))
