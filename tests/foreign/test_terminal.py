"""Other people's Lightning code trains and is tested on a terminal, where a bar shows what it logs."""

import os
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import wandb
from pytorch_lightning import Callback

import cli
from tests.tiny import tiny_trainer

Command = Callable[..., tuple[int, str, str]]
BORING = "pytorch_lightning.demos.boring_classes."
MODELS, DATA = "tests.foreign.other_package.models.", "tests.foreign.other_package.data."
PICTURES = ("--data", DATA + "Pictures")
KINDS = {
    "boring": ("--model", BORING + "BoringModel", "--data", BORING + "BoringDataModule"),
    "manual": ("--model", BORING + "ManualOptimBoringModel", "--data", BORING + "BoringDataModule"),
    "wrapped": ("--model", MODELS + "Wrapped", *PICTURES, "--checkpoint.monitor", "val_loss"),
    "two validations": ("--model", MODELS + "Net", *PICTURES, "--data.val_loaders", 2),
    "two loaders": ("--model", MODELS + "OfTwoLoaders", "--data", DATA + "SeveralLoaders"),
}


@contextmanager
def terminal() -> Iterator[list[bytes]]:
    """Makes standard output and errors a terminal in the block; yields what is written to it."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 250))
    written: list[bytes] = []

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # its other end is closed
                return
            written.append(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(theirs, "w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield written
    reader.join(10)
    os.close(ours)


def words(*values: object) -> list[str]:
    """Returns a command line."""
    return [str(value) for value in values]


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_and_is_tested(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callbacks.progress.REFRESH", -1.0)  # looks at the figures after every batch
    epochs = ("--trainer.accelerator", "cpu", "--trainer.max_epochs", 1, "--run_dir", "run")
    with terminal() as written:
        codes = [
            cli.main(words("fit", *KINDS[kind], *epochs)),
            cli.main(words("test", "--ckpt_path", "run", "--trust")),
        ]
    text = b"".join(written).decode()
    assert codes == [0, 0], text
    assert "epoch   0 " in text  # the bar
    assert "epoch   0/0" in text
    assert "test samples" in text
    assert "Warning" not in text
    assert ".py:" not in text
    assert ("best val_loss" in text) == (kind == "wrapped")
    if kind not in ("boring", "manual"):
        assert "train_loss" in text
        assert "test_loss" in text


class Asks(Callback):
    """Asks for the end of the run after the first batch."""

    def on_train_batch_end(self, trainer: Any, *_: object) -> None:
        """Asks."""
        trainer.should_stop = True


def test_a_least_length_counts_batches_whatever_the_number_of_optimizers(tmp_path: Path) -> None:
    from tests.plain import PlainData, PlainModule, PlainPlayers

    for module in (PlainModule, PlainPlayers):
        trainer = tiny_trainer(tmp_path, max_epochs=3, min_steps=8, callbacks=[Asks()])
        trainer.fit(module(), PlainData())
        assert trainer.optimizer_steps == 8


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--trainer.callbacks+", "EarlyStopping"),
        ("--model.lr_scheduler", "ReduceLROnPlateau"),
        ("--model.optimizer", "Muon"),
    ],
)
def test_a_name_that_several_libraries_have_is_told_with_all_of_them(option: str, name: str, command: Command) -> None:
    code, _, errors = command("fit", "--config", "vgg_bn.yaml", "--data.source", "synthetic", f"{option}={name}")
    assert code == 2
    assert errors.count(f".{name}") >= 2
    assert errors.count("\n") == 1


def test_weights_and_biases_takes_it(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    epochs = ("--trainer.accelerator", "cpu", "--trainer.max_epochs", 1, "--run_dir", "run", "--wandb", "offline")
    code, _, errors = command("fit", "--model", MODELS + "Net", *PICTURES, *epochs)
    assert code == 0, errors
    wandb.teardown()  # as a process does at its end
    (path,) = (tmp_path / "run").rglob("*.wandb")
    content = path.read_bytes()
    for logged in (b"val_accuracy", b"train_loss", MODELS.encode() + b"Net"):
        assert logged in content
