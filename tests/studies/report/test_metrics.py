"""Which figure of the runs counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from studies.report.metrics import Metrics
from studies.report.reported import find_runs
from tests.studies.report.folders import make_run, make_study


def _metrics(*paths: Path, asked: str | None = None, mode: str | None = None) -> Metrics:
    runs, study = find_runs([str(path) for path in paths])
    return Metrics.of(runs, study, asked, mode)


def test_what_the_runs_chose_by_counts(tmp_path: Path) -> None:
    metrics = _metrics(make_run(tmp_path / "a"))
    assert (metrics.counts, metrics.mode) == ("val/acc", "max")
    assert metrics.text("val/acc", 0.93412, 0.0012) == "93.41 ± 0.12 %"
    assert metrics.text("val/acc", None) == ""


def test_what_is_asked_for_goes_first_and_the_study_next(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    assert _metrics(study).counts == "val/acc"
    assert _metrics(study, asked="train/loss").mode == "min"
    assert _metrics(study, asked="train/loss", mode="max").mode == "max"
    with pytest.raises(
        InputError, match=r"--metric val/f1: no run has measured it; there are test/acc, train/loss, val/acc"
    ):
        _metrics(study, asked="val/f1")


def _change(path: Path, **changes: Any) -> Path:
    """Changes entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path.parent


def test_what_is_asked_for_keeps_the_direction_that_runs_or_their_study_state(tmp_path: Path) -> None:
    """A module of another package states no measures, and less of its `val_acc` was taken to be better."""
    metrics = {"metrics": {"val_acc": 0.5, "val_x": 0.1}}
    entries = {"measures": {}, "best": metrics, "last": metrics, "tests": []}
    run = make_run(tmp_path / "a")
    _change(run / "summary.json", **entries, monitor={"name": "val_acc", "better": "max"})
    assert _metrics(run, asked="val_acc").mode == "max"
    assert _metrics(run, asked="val_x").mode == "min"
    assert _metrics(run, asked="val_acc", mode="min").mode == "min"

    study = make_study(tmp_path / "s")
    for path in study.glob("*/summary.json"):
        _change(path, **entries, monitor=None)
    file = {"method": "grid", "metric": {"name": "val_acc", "goal": "maximize"}}
    _change(study / "study.json", file=file)
    assert _metrics(study, asked="val_acc").mode == "max"
    assert _metrics(study, asked="val_x").mode == "min"


def test_an_earlier_release_did_not_say_what_counts(tmp_path: Path) -> None:
    """The validation figure that is greatest, or least, at the step of the best checkpoint does."""
    for mode, values in (("max", (0.5, 0.9, 0.7)), ("min", (0.5, 0.2, 0.7))):
        path = make_run(tmp_path / mode, accuracies=values)
        summary = json.loads((path / "summary.json").read_text())
        del summary["monitor"], summary["measures"]
        summary["best"] = {"epoch": 1, "step": 20, "metrics": {"val/acc": values[1]}}
        (path / "summary.json").write_text(json.dumps(summary))
        metrics = _metrics(path)
        assert (metrics.counts, metrics.mode, metrics.measures) == ("val/acc", mode, {})


def _without_monitor(path: Path, losses: tuple[float, ...], best: int) -> Path:
    """Writes a run whose last weights count, as with `--checkpoint.monitor last`, with a loss in its rows."""
    summary = json.loads((path / "summary.json").read_text())
    del summary["monitor"]
    summary["best"]["metrics"] = {"val/loss": losses[best], **summary["best"]["metrics"]}
    (path / "summary.json").write_text(json.dumps(summary))
    header, *rows = (path / "metrics.csv").read_text().splitlines()
    rows = [f"{row},{loss}" for row, loss in zip(rows, losses, strict=True)]
    (path / "metrics.csv").write_text("\n".join([f"{header},val/loss", *rows]) + "\n")
    return path


def test_no_figure_counts_against_what_its_measure_states(tmp_path: Path) -> None:
    """The loss was greatest where the last weights counted, and runs were ranked by "val/loss, more is better"."""
    path = _without_monitor(make_run(tmp_path / "worse", accuracies=(0.5, 0.75)), (0.5, 0.9), 1)
    metrics = _metrics(path)
    assert (metrics.counts, metrics.mode) == ("val/acc", "max")


def test_one_epoch_does_not_tell_what_counts(tmp_path: Path) -> None:
    path = _without_monitor(make_run(tmp_path / "a", accuracies=(0.5,)), (0.9,), 0)
    assert _metrics(path).counts is None
    assert _metrics(path, asked="val/acc").mode == "max"


def test_runs_without_figures_have_none_that_counts(tmp_path: Path) -> None:
    path = make_run(tmp_path / "a")
    (path / "summary.json").write_text("{}")
    assert _metrics(path).counts is None
