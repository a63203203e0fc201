"""Runs that an earlier release began go on, with the bits that it would have ended with.

`fixtures/earlier_runs/<kind>` holds the folder of a run that was interrupted within an epoch, and what the same release
made of it without the interruption (`expected.ckpt`, `expected.csv`). Other processors round differently, so that the
bits are compared where the processor is the same, and the numbers everywhere.
"""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.processes.hardware import hardware
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.processes import ROOT

RUNS = sorted((ROOT / "tests" / "fixtures" / "earlier_runs").iterdir())


@pytest.mark.parametrize("earlier", RUNS, ids=lambda run: run.name)
def test_an_earlier_run_goes_on(earlier: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]) -> None:
    run = tmp_path / "run"
    shutil.copytree(earlier, run)
    before = json.loads((run / "summary.json").read_text())
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.logger", "false")
    assert code == 0, errors

    ours, theirs = load_checkpoint(run / "checkpoints" / "last.ckpt"), load_checkpoint(earlier / "expected.ckpt")
    assert ours["global_step"] == theirs["global_step"]
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    for name, tensor in ours["state_dict"].items():
        torch.testing.assert_close(tensor, theirs["state_dict"][name], rtol=1e-3, atol=1e-5, msg=name)
    rows, expected = _rows(run / "metrics.csv"), _rows(earlier / "expected.csv")
    for row, other in zip(rows, expected, strict=True):
        assert {name: float(row[name]) for name in other} == pytest.approx(
            {name: float(value) for name, value in other.items()}, rel=1e-3
        )
    if before["hardware"] == hardware("cpu") and before["versions"]["torch"] == torch.__version__:
        for part in ("state_dict", "optimizer_states", "lr_schedulers"):
            assert_same_bits(ours[part], theirs[part], part)
        assert figures_of(run / "metrics.csv") == figures_of(earlier / "expected.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))
