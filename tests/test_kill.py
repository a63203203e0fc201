"""A run that is killed and resumed ends with the same bits as one that was not."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.bits import assert_same_bits, figures_of
from tests.processes import finish, start, wait_until

WHOLE = ("--trainer.max_epochs", 6, "--checkpoint.every_n_train_steps", 2)
SETTINGS = (*WHOLE, "--trainer.callbacks", "tests.tiny.Slow")  # 36 steps of at least 0.05 seconds each


# Seconds between the first sign of training and the kill: in the first step, between two saves, epochs later.
MOMENTS = (0.02, 0.17, 0.4)


def test_three_sigkills_change_no_bit(config: Path, finished_run: Callable[..., Path], tmp_path: Path) -> None:
    run, whole = tmp_path / "killed", finished_run("whole", *WHOLE)
    for moment in MOMENTS:
        resumable = (run / "checkpoints" / "last.ckpt").exists()
        arguments = ("--ckpt_path", run) if resumable else ("--config", config, "--run_dir", run, *SETTINGS)
        process = start("fit", *arguments)
        # training has begun once the summary says so; the first kill must leave a checkpoint to continue from
        wait_until(lambda: (run / "checkpoints" / "last.ckpt").exists() and _status(run) == "running", process)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        _forget_status(run)
        assert process.returncode == -signal.SIGKILL, "killed, and not ended before"
    code, output = finish(start("fit", "--ckpt_path", run))
    assert code == 0, output

    assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (torch.load(folder / "checkpoints" / name, weights_only=True) for folder in (run, whole))
        for part in ("state_dict", "optimizer_states", "lr_schedulers"):
            assert_same_bits(ours[part], theirs[part], f"{name} {part}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize(("signum", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_batch_and_leaves_a_run_that_resumes(
    signum: int, expected: int, config: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start("fit", "--config", config, "--run_dir", run, *SETTINGS)
    wait_until(lambda: _status(run) == "running", process)
    time.sleep(0.3)
    process.send_signal(signum)
    code, output = finish(process)
    assert code == expected, output
    assert _status(run) == "interrupted"
    assert f"fit --ckpt_path {run.name}" in output
    assert "Traceback" not in output
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] > 0


def _status(run: Path) -> str | None:
    path = run / "summary.json"
    return json.loads(path.read_text())["status"] if path.exists() else None


def _forget_status(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"status": "killed"}))
