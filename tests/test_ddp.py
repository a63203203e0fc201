"""Two processes on one machine do what one does."""

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback, Trainer

from core.errors import RunFailed
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits
from tests.processes import finish, start, start_ranks, stop_two, wait_until
from tests.tiny import weights_of_ranks

TWO = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu")
ONE = ("--trainer.devices", 1, "--trainer.strategy", "auto")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def test_two_processes_train_and_measure_as_one_does(config: Path, tmp_path: Path, command: Callable) -> None:
    run = tmp_path / "run"
    # 33 images are 3 batches for one process and 2 for the other: none may be lost or counted twice
    averaging = ("--trainer.callbacks", "pytorch_lightning.callbacks.EMAWeightAveraging", "--model.whiten", "true")
    settings = ("--data.val_size", 33, *averaging)
    code, output = finish(start("fit", "--config", config, "--run_dir", run, *TWO, *settings))
    assert code == 0, output
    assert output.count("done") == 1, output
    assert "2 x " in output
    assert "arning" not in output
    recorded = json.loads((run / "summary.json").read_text())["last"]["metrics"]

    code, one, errors = command("validate", "--ckpt_path", run / "checkpoints" / "last.ckpt", *ONE)
    assert code == 0, errors
    assert _figures(one)["val/acc"] == pytest.approx(100 * recorded["val/acc"], abs=0.005)

    code, two_tests = finish(start_ranks("test", "--ckpt_path", run))
    assert code == 0, two_tests
    code, one_tests, errors = command("test", "--ckpt_path", run, *ONE)
    assert code == 0, errors
    assert _figures(one_tests) == _figures(two_tests)

    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")  # too few for two devices
    code, predicted, errors = command("predict", "--ckpt_path", run, "--input", tmp_path / "one.png")
    assert code == 0, errors
    assert "2 x " not in predicted
    assert not torch.distributed.is_initialized(), "one device needs no connection"
    code, _, errors = command("predict", "--ckpt_path", run, "--input", tmp_path / "one.png", "--trainer.devices", 0)
    assert code == 2, "a flag counts"


def test_two_processes_know_the_losses_of_all_samples_and_free_layers_together(config: Path, tmp_path: Path) -> None:
    hardest = "{class_path: callbacks.HardSamples, init_args: {share: 0.5, from_epoch: 1}}"
    callbacks = ("--trainer.callbacks", f"[{hardest}, {{class_path: tests.tiny.WeightsOfRanks}}]")
    fixed = ("--freeze.layers", r"[stages\.0]", "--freeze.until_epoch", 1)
    run = tmp_path / "run"
    code, output = finish(start("fit", "--config", config, "--run_dir", run, *TWO, *callbacks, *fixed))
    assert code == 0, output
    for name in ("stages.0.0.weight", "stages.0.1.weight", "stages.0.1.bias"):
        before, fixed, freed = ([one[name] for one in weights_of_ranks(run, epoch)] for epoch in range(3))
        assert_same_bits(fixed, before, name)
        assert not torch.equal(freed[0], fixed[0]), name
        assert torch.equal(*freed), f"{name}: each process has weights of its own"
    for weights in zip(weights_of_ranks(run, 0), weights_of_ranks(run, 1), strict=True):
        assert_same_bits(*(one["stages.0.1.running_mean"] for one in weights))
    known = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["hard_samples"]
    assert known["seen"].sum() == 3 * 120
    assert torch.equal(known["losses"].isfinite(), known["seen"] > 0)


def test_a_signal_to_one_process_stops_both_and_two_go_on(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stop_two(config, run, *TWO, "--trainer.strategy", "ddp_find_unused_parameters_false")
    assert json.loads((run / "summary.json").read_text())["status"] == "interrupted"
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    steps_of_epoch = checkpoint["global_step"] % 6
    assert checkpoint["state_dict"]["train_metrics.count"] == (steps_of_epoch or 6) * 40  # those of both processes

    code, output = finish(start_ranks("fit", "--ckpt_path", run, "--trainer.max_epochs", checkpoint["epoch"] + 1))
    assert code == 0, output


def test_a_nan_on_one_process_stops_both(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    unused = ("--trainer.strategy", "ddp_find_unused_parameters_true")
    poison = ("--trainer.callbacks", "tests.tiny.PoisonOnRankOne")
    process = start_ranks("fit", "--config", config, "--run_dir", run, *TWO, *unused, *poison)
    code, output = finish(process)
    assert code == 1, output
    assert "diverged: on rank 1, the loss of step 2 is not finite" in output
    assert "the batch is in diverged_batch_rank1.pt" in output
    assert json.loads((run / "summary.json").read_text())["status"] == "diverged"
    weights = torch.load(run / "checkpoints" / "before_divergence.ckpt", weights_only=True)["state_dict"]
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


class FailsOnRankOne(Callback):
    """Meets on the second process alone what a run cannot go on with."""

    def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
        """Fails at the second batch."""
        if trainer.global_rank == 1 and trainer.global_step == 1:
            raise RunFailed("train/a.png: no picture that can be read")


def test_what_one_process_alone_meets_is_told(config: Path, tmp_path: Path) -> None:
    fails = ("--trainer.callbacks", f"{__name__}.FailsOnRankOne")
    code, output = finish(start_ranks("fit", "--config", config, "--run_dir", tmp_path / "run", *TWO, *fails))
    assert code == 1, output
    assert "error: process 1: train/a.png: no picture that can be read\n" in output
    assert "error: another process of this run has ended" in output
    assert output.count("error: ") == 2


def test_a_killed_process_brings_the_run_down_and_one_device_goes_on(
    config: Path, tmp_path: Path, command: Callable
) -> None:
    """With one device all along it would have come to the same weights."""
    run = tmp_path / "run"
    # a norm would see the batches of one process each, dropout draws for each, and the schedule knows the run's length
    settings = ("--model.batch_norm", "false", "--model.dropout", 0, "--model.lr_scheduler", "null")
    slow = ("--trainer.callbacks", "tests.tiny.Slow", "--trainer.max_epochs", 30)
    process = start_ranks("fit", "--config", config, "--run_dir", run, *TWO, *settings, *slow)
    wait_until(lambda: (run / "checkpoints" / "last.ckpt").exists(), process)
    process.ranks[1].send_signal(signal.SIGKILL)
    code, output = finish(process, within=60)
    assert code == 1, output
    assert output.count("error: ") == 1
    assert "another process of this run has ended, or its machine does not answer (connection " in output
    assert output.rstrip().endswith("; fit --ckpt_path run goes on")
    assert json.loads((run / "summary.json").read_text())["status"] == "interrupted"

    epochs = ("--trainer.max_epochs", load_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] + 2)
    for words in (("--ckpt_path", run), ("--config", config, "--run_dir", tmp_path / "alone", *settings)):
        code, _, errors = command("fit", *words, *ONE, *epochs)
        assert code == 0, errors
    ours, theirs = (load_checkpoint(one / "checkpoints" / "last.ckpt") for one in (run, tmp_path / "alone"))
    for name, value in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], value, rtol=1e-3, atol=1e-4, msg=name)


def _figures(output: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^((?:val|test)/\w+) +([\d.]+)", output, re.MULTILINE)}
