"""`--resume auto`: one command that begins a run, and goes on with it however it was ended."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callbacks import StepSeed
from engine.trainer import Trainer
from tests.bits import assert_same_bits, figures_of
from tests.interruptions import PulledPlug
from tests.processes import descendants, finish, start_elastic, start_ranks, wait_until

Command = Callable[..., tuple[int, str, str]]


def weights(run: Path) -> dict:
    """Returns what a run's last checkpoint says of its training."""
    import torch

    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return {part: checkpoint[part] for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step")}


def test_the_same_command_begins_goes_on_and_has_nothing_left_to_do(
    config: Path, finished_run: Callable[..., Path], tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = tmp_path / "run", finished_run("whole", "--checkpoint.every_n_train_steps", 5)
    words = ("fit", "--config", config, "--run_dir", run, "--checkpoint.every_n_train_steps", 5, "--resume", "auto")

    begin_step = StepSeed.on_train_batch_start

    def pull_plug(callback: StepSeed, trainer: Trainer, *arguments: Any) -> None:
        begin_step(callback, trainer, *arguments)
        if trainer.global_step == 9:
            raise PulledPlug

    with monkeypatch.context() as patch:
        patch.setattr(StepSeed, "on_train_batch_start", pull_plug)
        code, _, errors = command(*words)
    assert code == 1, errors
    assert "PulledPlug" in errors
    code, output, errors = command(*words)
    assert code == 0, errors
    assert "resumed  at step 6" in output
    assert_same_bits(weights(run), weights(whole), "")
    assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")
    assert "resume" not in (run / "config.yaml").read_text()
    code, output, errors = command(*words)
    assert code == 0, errors
    assert "nothing is left to do" in output


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(
    config: Path, finished_run: Callable[..., Path], command: Command
) -> None:
    whole, run = finished_run("whole"), finished_run("run")
    shutil.rmtree(run / "checkpoints")
    (run / "summary.json").write_text(json.dumps({"status": "running"}))
    code, output, errors = command("fit", "--config", config, "--run_dir", run, "--resume", "auto")
    assert code == 0, errors
    assert "this run has no checkpoint yet: it begins again" in output
    assert_same_bits(weights(run), weights(whole), "")


def test_what_a_kill_leaves_before_training_is_no_run(config: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "run" / "tensorboard").mkdir(parents=True)
    (tmp_path / "run" / ".lock").touch()
    words = ("--run_dir", tmp_path / "run", "--resume=auto", "--trainer.max_steps", 1)
    code, _, errors = command("fit", "--config", config, *words)
    assert code == 0, errors


def test_other_settings_are_refused(config: Path, finished_run: Callable[..., Path], command: Command) -> None:
    words = ("--run_dir", finished_run("run"), "--resume", "auto", "--model.dropout", 0.5)
    code, _, errors = command("fit", "--config", config, *words)
    assert code == 2
    assert "--model.dropout 0.5: this run has 0.2, and cannot change it" in errors


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--resume", "auto"), "--resume auto: needs --run_dir"),
        (("--run_dir", "run", "--resume", "last"), "--resume last: the one possible value is auto"),
        (
            ("--ckpt_path", "run", "--resume", "auto"),
            "--resume auto: finds the run in --run_dir",
        ),
    ],
)
def test_options_that_contradict_it(
    options: tuple[str, ...], reason: str, config: Path, finished_run: Callable[..., Path], command: Command
) -> None:
    finished_run("run")
    code, _, errors = command("fit", "--config", config, *options)
    assert code == 2
    assert errors.startswith(f"error: {reason}")
    assert errors.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="two processes by forks")
def test_torchrun_goes_on_whichever_process_is_killed(config: Path, tmp_path: Path) -> None:
    """It says how many processes there are, and begins all of them anew when one has ended."""

    fit = ("fit", "--config", config, "--trainer.max_epochs", 4)
    fit += ("--checkpoint.every_n_train_steps", 3)  # the first within an epoch, whose figures go on
    slow = ("--run_dir", tmp_path / "run", "--resume", "auto", "--trainer.callbacks", "tests.tiny.Slow")
    killed = start_elastic(*fit, *slow, "--trainer.devices", "auto", restarts=3)
    whole = start_ranks(*fit, "--run_dir", tmp_path / "whole", "--trainer.devices", 2, "--trainer.strategy", "ddp")
    saved, checkpoint = 0.0, tmp_path / "run" / "checkpoints" / "last.ckpt"
    for rank in (1, 0):
        wait_until(lambda before=saved: checkpoint.exists() and checkpoint.stat().st_mtime > before, killed)
        saved = checkpoint.stat().st_mtime
        time.sleep(0.1)  # between two checkpoints
        os.kill(descendants(killed.pid)[rank], signal.SIGKILL)
    code, output = finish(killed)
    assert code == 0, output
    assert output.count("resumed  at step") == 2
    assert "2 x " in output
    code, output = finish(whole)
    assert code == 0, output
    assert_same_bits(weights(tmp_path / "run"), weights(tmp_path / "whole"), "")
    assert figures_of(tmp_path / "run" / "metrics.csv") == figures_of(tmp_path / "whole" / "metrics.csv")
