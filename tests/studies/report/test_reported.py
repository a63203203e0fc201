"""Which runs a report is about, and what their folders say."""

import json
import re
from pathlib import Path

import pytest

from core.errors import InputError
from studies.report.reported import find_runs
from tests.studies.report.folders import make_run, make_study


def test_runs_are_found_at_any_depth_and_each_once(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "runs" / "a" / "1"), make_run(tmp_path / "runs" / "b")
    (tmp_path / "runs" / "c").mkdir()
    (tmp_path / "runs" / "c" / "config.yaml").touch()  # a run that never began leaves none
    runs, study = find_runs([str(second), str(tmp_path / "runs")])
    assert [run.path for run in runs] == [second, first]
    assert study is None
    with pytest.raises(InputError, match="report none: no such folder"):
        find_runs(["none"])


def test_settings_are_those_that_make_it_this_run(tmp_path: Path) -> None:
    (run,), _ = find_runs([str(make_run(tmp_path / "a", seed=7))])
    assert run.settings == {"model.class_path": "lightning_modules.A", "model.lr": 0.1, "model.dropout": 0.2}
    assert (run.seed, run.seconds, run.status) == (7, 5.0, "finished")
    assert run.rows[1] == {"epoch": 1, "step": 20, "seconds": 5, "lr": 0.1, "val/acc": 0.75, "train/loss": 0.25}
    assert run.figures == {"train/loss": 0.25, "val/acc": 0.75, "test/acc": 0.74}


def test_rows_of_an_earlier_release_have_no_seconds(tmp_path: Path) -> None:
    (run,), _ = find_runs([str(make_run(tmp_path / "a", with_seconds=False))])
    assert ["seconds" in row for row in run.rows] == [False, False]


def test_a_study_says_what_counts_and_a_trial_that_never_trained_why(tmp_path: Path) -> None:
    runs, study = find_runs([str(make_study(tmp_path / "rates"))])
    assert study is not None
    assert (study.name, study.metric, study.mode) == ("rates", "val/acc", "max")
    assert [run.trial.number for run in runs if run.trial] == [0, 1, 2, 3, 4, 5]
    lost = runs[-1]
    assert (lost.status, lost.reason, lost.seed, lost.figures) == ("failed", "no memory", 2, {})
    assert lost.settings == {"model.dropout": 0.2, "model.lr": 0.001}
    _, other = find_runs([str(tmp_path / "rates"), str(make_run(tmp_path / "a"))])
    assert other is None  # runs of several kinds are compared by all their settings


def test_a_study_whose_file_names_no_metric_is_compared_by_the_models_own(tmp_path: Path) -> None:
    path = make_study(tmp_path / "rates") / "study.json"
    content = json.loads(path.read_text())
    del content["file"]["metric"]
    path.write_text(json.dumps(content | {"compared_by": {"name": "val/loss", "goal": "minimize"}}))
    _, study = find_runs([str(path.parent)])
    assert study is not None
    assert (study.metric, study.mode) == ("val/loss", "min")


def test_a_figure_that_is_not_finite_is_none(tmp_path: Path) -> None:
    """Records of others, and of earlier releases, may have NaN and infinities."""
    figures = {"train/loss": float("inf"), "val/acc": float("nan"), "val/loss": 0.5, "val/f1": None}
    last = {"epoch": 1, "step": 20, "metrics": figures}
    (run,), _ = find_runs([str(make_run(tmp_path / "a", last=last, best=None, tests=[]))])
    assert run.figures == {"val/loss": 0.5}


@pytest.mark.parametrize("content", ["", "[]", '{"seconds": "<b>"}', '{"metrics": {}, "epochs": "x"}', '{"best": 3}'])
def test_a_damaged_run_is_shown_without_figures(content: str, tmp_path: Path) -> None:
    path = make_run(tmp_path / "a")
    (path / "summary.json").write_text(content)
    (path / "metrics.csv").write_text("epoch,step\n1")
    (path / "config.yaml").write_text("a: [")
    (run,), _ = find_runs([str(path)])
    assert (run.figures, run.rows, run.settings) == ({}, [], {})


def test_a_damaged_study_is_one_line(tmp_path: Path) -> None:
    study = make_study(tmp_path / "rates")
    (study / "study.json").write_text(json.dumps({"file": 3}))
    with pytest.raises(InputError, match=r"study\.json: damaged"):
        find_runs([str(study)])


@pytest.mark.parametrize("name", ["config.yaml", "metrics.csv", "summary.json", "trial.json", "study.json"])
def test_a_record_that_is_a_link_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    """The settings in a page could have been any YAML file of a machine, such as one with a key."""
    study = make_study(tmp_path / "rates")
    folder = study if name == "study.json" else find_runs([str(study)])[0][0].path
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    said = f"{folder / name}: is a link out of its folder; put a copy of the file in its place"
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        find_runs([str(study)])
