"""Runs that an earlier release began go on, with the bits that it would have ended with.

`fixtures/earlier_runs/<kind>` holds the folder of a run that was interrupted within an epoch, and what the same release
made of it without the interruption (`expected.ckpt`, `expected.csv`). Other processors round differently, so that the
bits are compared where the processor is the same, and the numbers everywhere; everywhere, too, the bits of two ways to
go on, in one go and with one more interruption.
"""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer

from callbacks import RunCheckpoint
from core.processes.hardware import hardware
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.processes import ROOT

RUNS = sorted((ROOT / "tests" / "fixtures" / "earlier_runs").iterdir())
PARTS = ("state_dict", "optimizer_states", "lr_schedulers")


@pytest.mark.parametrize("earlier", RUNS, ids=lambda run: run.name)
def test_an_earlier_run_goes_on(
    earlier: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cut = tmp_path / "run", tmp_path / "cut"
    shutil.copytree(earlier, run)
    before = json.loads((run / "summary.json").read_text())
    begun = load_checkpoint(run / "checkpoints" / "last.ckpt")["global_step"]
    end_batch = RunCheckpoint.on_train_batch_end

    def copy_and_end_batch(callback: RunCheckpoint, trainer: Trainer, *arguments: Any) -> None:
        if trainer.optimizer_steps == begun + 6 and not cut.exists():
            shutil.copytree(run, cut)  # what a kill would leave
        end_batch(callback, trainer, *arguments)

    monkeypatch.setattr(RunCheckpoint, "on_train_batch_end", copy_and_end_batch)
    options = ("--trainer.logger", "false", "--checkpoint.every_n_train_steps", 2)
    code, _, errors = command("fit", "--ckpt_path", run, *options)
    assert code == 0, errors
    assert begun < load_checkpoint(cut / "checkpoints" / "last.ckpt")["global_step"] < begun + 6
    code, _, errors = command("fit", "--ckpt_path", cut, *options)
    assert code == 0, errors

    ours, theirs = load_checkpoint(run / "checkpoints" / "last.ckpt"), load_checkpoint(earlier / "expected.ckpt")
    assert ours["global_step"] == theirs["global_step"]
    if averages := theirs["callbacks"].get("EMAWeightAveraging"):  # that release cut the averages of counters off
        for name in theirs["state_dict"]:
            if name.endswith("num_batches_tracked"):
                theirs["state_dict"][name] = torch.tensor(averages["latest_update_step"])
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    for name, tensor in ours["state_dict"].items():
        torch.testing.assert_close(tensor, theirs["state_dict"][name], rtol=1e-3, atol=1e-5, msg=name)
    rows, expected = _rows(run / "metrics.csv"), _rows(earlier / "expected.csv")
    for row, other in zip(rows, expected, strict=True):
        assert {name: float(row[name]) for name in other} == pytest.approx(
            {name: float(value) for name, value in other.items()}, rel=1e-3
        )
    again = load_checkpoint(cut / "checkpoints" / "last.ckpt")
    for part in PARTS:
        assert_same_bits(again[part], ours[part], part)
    assert figures_of(cut / "metrics.csv") == figures_of(run / "metrics.csv")
    if before["hardware"] == hardware("cpu") and before["versions"]["torch"] == torch.__version__:
        for part in PARTS:
            assert_same_bits(ours[part], theirs[part], part)
        assert figures_of(run / "metrics.csv") == figures_of(earlier / "expected.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))
