"""Runs on tunes from the command: resumed to the bit, shared by processes, and written as files."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback

import cli
from callbacks import RunCheckpoint
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from lightning_modules import CharRNN, TransformerLM
from tests.bits import assert_same_bits
from tests.interruptions import FolderCopies
from tests.processes import finish, start_ranks
from tests.tiny import tiny_trainer
from tests.tiny_text import TinyTunes

CONFIG = """\
model:
  class_path: lightning_modules.TransformerLM
  init_args:
    width: 8
    layers: 1
    heads: 1
    context: 48
    length: 40
    dropout: 0.0
    optimizer:
      class_path: torch.optim.Adam
      init_args: {lr: 0.01}
data:
  class_path: tests.tiny_text.TinyTunes
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 1
"""
TWO = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu")


def model(kind: str) -> Any:
    """Returns a language model with dropout."""
    torch.manual_seed(0)
    if kind == "rnn":
        return CharRNN(TinyTunes().vocab_size, hidden=8, layers=1, dropout=0.2, length=20)
    return TransformerLM(TinyTunes().vocab_size, width=8, layers=2, heads=1, context=40, dropout=0.2, length=20)


def train(folder: Path, kind: str, *callbacks: Callback, resume: bool = False) -> dict[str, Any]:
    """Trains for two epochs; returns the last checkpoint."""
    folder.mkdir(exist_ok=True)
    own = [RunCheckpoint(every_n_train_steps=4), *callbacks]
    trainer = tiny_trainer(folder, run_folder=RunFolder(folder), logger=False, callbacks=own, seed=3)
    last = folder / "checkpoints" / "last.ckpt"
    trainer.fit(model(kind), TinyTunes(steps=64), ckpt_path=last if resume else None)
    return load_checkpoint(last)


@pytest.mark.parametrize("kind", ["rnn", "transformer"])
def test_a_run_that_goes_on_ends_with_the_same_bits(tmp_path: Path, kind: str) -> None:
    cut = tmp_path / "cut"
    whole = train(tmp_path / "whole", kind, FolderCopies({18: cut}))
    assert whole["global_step"] == 2 * 15
    resumed = train(cut, kind, resume=True)
    assert whole["carried"], "the state goes with the checkpoint"
    assert_same_bits(*({key: run[key] for key in run.keys() - {"loops"}} for run in (resumed, whole)))
    assert (cut / "samples.txt").read_text() == (tmp_path / "whole" / "samples.txt").read_text()


@pytest.fixture
def run(finished_run: Callable[..., Path]) -> Path:
    """A finished run, in the folder `run`."""
    return finished_run("run", text=CONFIG, name="tunes.yaml")


def figures(run: Path) -> dict[str, float]:
    """Returns the figures of a run's latest test."""
    return json.loads((run / "summary.json").read_text())["tests"][-1]["metrics"]


def test_two_processes_train_and_test_as_one_does(finished_run: Callable[..., Path], tmp_path: Path) -> None:
    config = tmp_path / "tunes.yaml"
    config.write_text(CONFIG)
    plain = ("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", 0.5)  # Adam hides a factor on gradients
    run = finished_run("one", *plain, text=CONFIG, name="tunes.yaml")
    code, output = finish(start_ranks("fit", "--config", config, "--run_dir", tmp_path / "two", *TWO, *plain))
    assert code == 0, output
    one, two = (load_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (run, tmp_path / "two"))
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], value, rtol=1e-3, atol=1e-4, msg=name)
    for ours, theirs in zip(two["carried"][0], one["carried"][0], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3)
    assert cli.main(["test", "--ckpt_path", str(run)]) == 0
    first = figures(run)
    code, output = finish(start_ranks("test", "--ckpt_path", run, *TWO))
    assert code == 0, output
    assert figures(run) == pytest.approx(first, rel=1e-5)


def test_tunes_are_written_as_files(run: Path, command: Callable) -> None:
    ask = ("predict", "--ckpt_path", run, "--input", "M:6/8 K:G", "R:waltz", "--data.bar_clock", "true")
    code, output, errors = command(*ask, "--output", "tunes.abc")
    assert code == 0, errors
    assert "M:3/4\nL:1/8\nK:" in output
    text = Path("tunes.abc").read_text()
    assert text.startswith("X:1\nT:Tune 1\nM:6/8\nL:1/8\nK:G\n")
    assert "\nX:2\nT:Tune 2\nM:3/4\n" in text
    code, output, errors = command(*ask, "--output", "tunes.mid")
    assert (code, errors.count("\n")) == (2, 1)
    assert "a .mid file holds one prediction, and 2 are asked for; end the name in .csv or .abc" in errors
    assert "M:3/4" not in output, "it is refused before any is written"
    code, _, errors = command(*ask, "--output", "tunes.csv")
    assert code == 0, errors
    with open("tunes.csv", newline="") as file:
        assert [row["prime"] for row in csv.DictReader(file)] == ["M:6/8 K:G", "R:waltz"]


def test_a_beginning_that_is_none_costs_no_other(run: Path, command: Callable) -> None:
    code, output, errors = command("predict", "--ckpt_path", run, "--input", "M:6/8", "no tune")
    assert code == 2
    assert "X:1\nT:Tune 1\nM:6/8" in output
    assert "1 of 2 inputs cannot be read: 'no tune': music before the key field K:, such as K:G" in errors
