"""Runs of the same settings are one group."""

import json
from pathlib import Path

import pytest

from studies.report.groups import ABSENT, Group, group, short_names, shown_setting
from studies.report.metrics import Metrics
from studies.report.reported import find_runs
from tests.studies.report.folders import make_run, make_study


def _groups(*paths: Path) -> list[Group]:
    runs, study = find_runs([str(path) for path in paths])
    return group(runs, study, Metrics.of(runs, study, None, None))


def test_seeds_are_grouped_and_the_best_comes_first(tmp_path: Path) -> None:
    for number, (lr, reached) in enumerate([(0.1, 0.5), (0.01, 0.75), (0.1, 0.75), (0.01, 1.0)]):
        make_run(tmp_path / str(number), lr=lr, seed=number, accuracies=(reached,))
    groups = _groups(tmp_path)
    assert [one.label for one in groups] == ["lr=0.01", "lr=0.1"]
    assert [one.settings for one in groups] == [{"model.lr": 0.01}, {"model.lr": 0.1}]
    assert [len(one.runs) for one in groups] == [2, 2]
    statistics = groups[0].statistics("val/acc")
    assert (statistics.mean, round(statistics.deviation or 0, 4)) == (0.875, 0.1768)
    assert groups[0].seconds.mean == 5
    assert groups[0].statistics("none").mean is None


def test_a_study_is_compared_by_its_parameters_and_what_failed_comes_last(tmp_path: Path) -> None:
    groups = _groups(make_study(tmp_path / "s"))
    assert [one.settings["model.lr"] for one in groups] == [0.1, 0.01, 0.001]
    assert groups[-1].statuses == [("finished", 1), ("failed", 1)]
    assert groups[-1].statistics("val/acc").deviation is None


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        ("pruned", {"pruned": {"epochs": 1}, "ended": {"status": "pruned", "reason": "", "seconds": 1.0}}),
        ("interrupted", {"ended": None}),
        ("running", {"ended": None}),
    ],
)
def test_what_a_pruned_or_unfinished_trial_has_reached_is_not_averaged(
    status: str, changes: dict, tmp_path: Path
) -> None:
    study = make_study(tmp_path / "s")
    for name in ("0001-lr=0.1,seed=2", "0002-lr=0.01,seed=1", "0003-lr=0.01,seed=2"):
        for file, more in (("trial.json", changes), ("summary.json", {"status": status})):
            (study / name / file).write_text(json.dumps(json.loads((study / name / file).read_text()) | more))
        (study / name / ".lock").touch()
    groups = _groups(study)
    assert [one.settings["model.lr"] for one in groups] == [0.1, 0.001, 0.01]
    assert [one.statistics("val/acc").values for one in groups] == [(0.91,), (0.71,), ()]
    shown = "killed" if status == "running" else status  # nobody has it
    assert groups[0].statuses == [("finished", 1), (shown, 1)]
    assert [one.has_ended for one in groups] == [status == "pruned", True, status == "pruned"]


def test_a_trial_that_was_finished_outside_its_study_counts(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    path = study / "0001-lr=0.1,seed=2" / "trial.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"ended": None}))
    assert [len(one.statistics("val/acc").values) for one in _groups(study)] == [2, 2, 1]


def test_plain_runs_count_whatever_their_status(tmp_path: Path) -> None:
    (one,) = _groups(make_run(tmp_path / "a", status="interrupted"))
    assert one.statistics("val/acc").values == (0.75,)


def test_a_setting_that_another_lacks_is_absent_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    paths = [make_run(tmp_path / place / "x", name=name) for place, name in (("a", "A"), ("b", "B"))]
    (paths[0] / "config.yaml").write_text("model: {class_path: p.A, init_args: {a: 1, b: 2, c: 3, d: 4}}")
    (paths[1] / "config.yaml").write_text("model: {class_path: q.A, init_args: {e: <b>, f: 2}}")
    groups = _groups(*paths)
    assert {one.label for one in groups} == {"A a/x", "A b/x"}
    make_run(tmp_path / "a" / "y", name="A", seed=2)
    (tmp_path / "a" / "y" / "config.yaml").write_text((paths[0] / "config.yaml").read_text())
    assert {one.label for one in _groups(tmp_path)} == {"A a", "A b/x"}
    assert {one.settings["model.a"] for one in groups} == {1, ABSENT}
    for path in paths:
        (path / "config.yaml").write_text(f"model: {{class_path: {path.parent.name}.A}}")
    assert [one.label for one in _groups(*paths)] == ["model=A", "model=A (2)"]


def test_names_are_as_short_as_they_can_be() -> None:
    names = ["model.optimizer.class_path", "model.optimizer.lr", "model.lr", "data.size"]
    assert list(short_names(names).values()) == ["optimizer", "optimizer.lr", "model.lr", "size"]


def test_one_batch_is_not_shown_as_all_batches() -> None:
    shares = [shown_setting("trainer.limit_train_batches", value) for value in (1, 1.0, 0.5)]
    assert shares == ["1", "1.0", "0.5"]
    assert shown_setting("model.optimizer.lr", 1.0) == "1"
