"""A study whose command and whose runs are killed goes on, and its trials end with the bits of undisturbed runs.

`tests/campaigns/study_kills.py` does it at random and a hundred times.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.bits import assert_same_bits, figures_of
from tests.processes import descendants, run_apart, start_function

WHOLE = ("--checkpoint.every_n_train_steps", 4, "--trainer.max_epochs", 6)
SLOW = ("--trainer.callbacks", "tests.tiny.Slow", *WHOLE)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_killed_command_and_a_killed_run_change_no_bit(
    write_study: Callable[..., Path], tmp_path: Path, finished_run: Callable[..., Path], command: Callable
) -> None:
    words = [str(word) for word in ("study", write_study(), "--workers", 2, *SLOW)]
    runs = [tmp_path / "runs" / "studies" / "lr" / name for name in ("0000-lr=0.1", "0001-lr=0.01")]

    def have_saved() -> bool:
        return all((run / "checkpoints" / "last.ckpt").exists() for run in runs)

    process = start_function(run_apart, words, str(tmp_path))
    end = time.monotonic() + 90
    while not have_saved():
        assert process.is_alive()
        assert time.monotonic() < end
        time.sleep(0.02)
    trials = [pid for child in descendants(process.pid) for pid in descendants(child)]
    assert len(trials) == 2
    os.kill(trials[0], signal.SIGKILL)
    process.kill()
    end = time.monotonic() + 60
    while Path(f"/proc/{trials[1]}").exists():  # it saves itself, for the end of its command ends it
        assert time.monotonic() < end
        time.sleep(0.05)
    assert all(json.loads((run / "trial.json").read_text())["ended"] is None for run in runs)

    code, output, errors = command(*words)
    assert code == 0, errors
    assert "2 trials: 2 finished" in output
    for run, rate in zip(runs, (0.1, 0.01), strict=True):
        whole = finished_run(f"whole-{rate}", "--model.optimizer.lr", rate, *WHOLE)
        assert len(json.loads((run / "summary.json").read_text())["sessions"]) == 2
        ours, theirs = (torch.load(one / "checkpoints" / "last.ckpt", weights_only=True) for one in (run, whole))
        for part in ("state_dict", "optimizer_states", "lr_schedulers"):
            assert_same_bits(ours[part], theirs[part], f"{run.name} {part}")
        assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")
