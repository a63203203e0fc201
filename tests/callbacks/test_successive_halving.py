"""Runs are compared as Optuna's successive halving compares trials."""

import itertools
import math
from pathlib import Path

import pytest

from callbacks.successive_halving import bar_to_reach, best_after


@pytest.mark.parametrize(("mode", "eta"), [("min", 2), ("max", 3), ("min", 4)])
def test_the_rule_is_optunas(mode: str, eta: int) -> None:
    optuna = pytest.importorskip("optuna", reason="needs Optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = "minimize" if mode == "min" else "maximize"
    for values in itertools.permutations([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5):
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=eta)
        study = optuna.create_study(direction=direction, pruner=pruner)
        for number, value in enumerate(values):
            trial = study.ask()
            trial.report(value, 1)
            bar = bar_to_reach([value, *values[:number]], eta, mode)
            assert trial.should_prune() == (value > bar if mode == "min" else value < bar)


def test_runs_without_a_finite_value_are_worst() -> None:
    assert bar_to_reach([math.nan, 2.0, 3.0], 3, "min") == 2.0
    assert bar_to_reach([math.nan, 2.0, 3.0, math.nan], 1, "max") == 2.0
    assert math.isnan(bar_to_reach([math.nan, math.nan], 2, "min"))


def test_a_run_counts_by_its_best_value_once_it_has_come_as_far(tmp_path: Path) -> None:
    rows = ["epoch,step,lr,val/loss", "0,6,0.1,3.0", "1,9,0.1,1.5", "1,12,0.1,2.0", "2,18,0.1,", "3,24,0.1,nan"]
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert best_after(tmp_path, "val/loss", "min", 1) == 3.0
    assert best_after(tmp_path, "val/loss", "min", 2) == 1.5
    assert best_after(tmp_path, "val/loss", "max", 4) == 3.0
    assert best_after(tmp_path, "val/loss", "min", 5) is None
    assert math.isnan(best_after(tmp_path, "val/acc", "min", 1))
    assert best_after(tmp_path / "none", "val/loss", "min", 1) is None


def test_an_epoch_counts_once_its_run_has_done_it(tmp_path: Path) -> None:
    rows = ["epoch,step,lr,val/loss", "0,6,0.1,3.0", "1,9,0.1,1.5"]  # the last of a validation within its epoch
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "summary.json").write_text('{"status": "running", "epochs": 1}')
    assert best_after(tmp_path, "val/loss", "min", 1) == 3.0
    assert best_after(tmp_path, "val/loss", "min", 2) is None
    (tmp_path / "summary.json").write_text('{"status": "running", "epochs": 2}')
    assert best_after(tmp_path, "val/loss", "min", 2) == 1.5


@pytest.mark.parametrize("summary", ['{"status": "running"}', '{"status": "running", "epochs": null}'])
def test_where_a_summary_does_not_count_epochs_its_rows_do(summary: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,step,lr,val/loss\n0,6,0.1,3.0\n1,12,0.1,2.0\n")
    (tmp_path / "summary.json").write_text(summary)
    assert best_after(tmp_path, "val/loss", "min", 2) == 2.0
    assert best_after(tmp_path, "val/loss", "min", 3) is None
