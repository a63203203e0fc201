"""A study's answer in one picture, and in words."""

import json
import shutil
from pathlib import Path

import pytest

from studies.report.answer import answer, is_numeric, sentences, spans
from studies.report.groups import Group, group
from studies.report.metrics import Metrics
from studies.report.reported import find_runs
from tests.studies.report.folders import make_run, make_study


def _groups(folder: Path) -> tuple[list[Group], Metrics]:
    runs, study = find_runs([str(folder)])
    metrics = Metrics.of(runs, study, None, None)
    return group(runs, study, metrics), metrics


def _study(folder: Path, points: list[dict], values: list[float]) -> tuple[list[Group], Metrics]:
    """Makes a study of any points; a value of each that has ended well."""
    file = {"method": "grid", "metric": {"name": "val/acc", "goal": "maximize"}}
    for number, (point, value) in enumerate(zip(points, values, strict=True)):
        path = make_run(folder / f"{number:04}-x", accuracies=(value,), status="finished" if value else "diverged")
        ended = {"status": "finished" if value else "diverged", "reason": "", "seconds": 1.0}
        (path / "trial.json").write_text(json.dumps({"number": number, "settings": point, "ended": ended}))
    (folder / "study.json").write_text(json.dumps({"file": file, "seeds": [], "settings": {}}))
    return _groups(folder)


def test_one_swept_number_is_a_logarithmic_axis(tmp_path: Path) -> None:
    found = answer(*_groups(make_study(tmp_path / "s")))
    assert found is not None
    assert (found["metric"], found["percent"], found["log"]) == ("val/acc", True, False)
    (panel,) = found["panels"]
    assert (panel["axis"], panel["scale"], panel["failed"]) == ("lr", "log", [])
    (line,) = panel["lines"]
    assert line["x"] == [0.001, 0.01, 0.1]
    assert line["y"] == [0.71, 0.815, 0.915]
    assert line["deviation"] == [0, 0.0070711, 0.0070711]
    assert len(line["points"]) == 5


def test_a_value_at_which_every_run_diverged_is_marked(tmp_path: Path) -> None:
    groups, metrics = _study(tmp_path / "s", [{"lr": 10.0}, {"lr": 0.1}, {"lr": 0.2}], [0.0, 0.5, 0.75])
    (panel,) = answer(groups, metrics)["panels"]
    assert panel["failed"] == [{"x": 10.0, "text": "lr=10: 1 diverged"}]
    assert panel["scale"] == "log"
    assert sentences(groups, metrics) == [
        "Best: lr=0.2 with val/acc 75.00 %.",
        "One run a setting: how much another seed changes is not known.",
        "Worst: lr=0.1 with val/acc 50.00 %.",
        "Without a value: lr=10.",
    ]


def test_a_value_whose_runs_are_under_way_is_not_marked(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    for trial in study.glob("*-lr=0.001*/trial.json"):
        trial.write_text(json.dumps(json.loads(trial.read_text()) | {"ended": None}))
        (trial.parent / "summary.json").unlink(missing_ok=True)
    groups, metrics = _groups(study)
    assert [one.statuses for one in groups][2] == [("open", 2)]
    assert answer(groups, metrics)["panels"][0]["failed"] == []
    assert not any("Without a value" in line for line in sentences(groups, metrics))


def test_what_was_pruned_is_named_and_not_ranked(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    for trial in study.glob("*-lr=0.1,*/trial.json"):
        ended = {"status": "pruned", "reason": "after 1 epoch", "seconds": 1.0}
        trial.write_text(json.dumps(json.loads(trial.read_text()) | {"pruned": {"epochs": 1}, "ended": ended}))
    lines = sentences(*_groups(study))
    assert lines[0] == "Best: lr=0.01 with val/acc 81.50 ± 0.71 % (n = 2)."
    assert lines[-1] == "Pruned, and not ranked: lr=0.1."


def test_three_parameters_are_axis_lines_and_panels(tmp_path: Path) -> None:
    points = [
        {"m.units": units, "m.act": act, "m.net": {"class_path": f"a.{net}", "init_args": {}}}
        for net in ("X", "Y")
        for act in ("relu", "tanh")
        for units in (8, 32, 512)
    ]
    found = answer(*_study(tmp_path / "s", points, [0.5 + 0.01 * number for number in range(12)]))
    assert [panel["title"] for panel in found["panels"]] == ["net = X", "net = Y"]
    assert {panel["axis"] for panel in found["panels"]} == {"units"}
    assert found["lines"] == "act"
    assert [line["name"] for line in found["panels"][0]["lines"]] == ["relu", "tanh"]
    assert found["panels"][0]["lines"][1]["y"] == [0.53, 0.54, 0.55]


def test_drawn_points_have_a_panel_for_each_parameter(tmp_path: Path) -> None:
    points = [{"a": 0.1 * number, "b": 10.0**-number, "c": number % 2 == 0} for number in range(6)]
    found = answer(*_study(tmp_path / "s", points, [0.5] * 6))
    assert [(panel["title"], panel["scale"]) for panel in found["panels"]] == [
        ("a", "linear"),
        ("b", "log"),
        ("c", "category"),
    ]
    assert found["panels"][2]["order"] == ["True", "False"]


def test_equal_numbers_of_two_types_have_one_place(tmp_path: Path) -> None:
    points = [{"a": 16.0, "b": 0}, {"a": 32.0, "b": 0}, {"a": 16, "b": 1}, {"a": 32, "b": 1}]
    (panel,) = answer(*_study(tmp_path / "s", points, [0.5] * 4))["panels"]
    assert [line["x"] for line in panel["lines"]] == [[16, 32], [16, 32]]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ([1, True, 2], ["1", "2", "True"]),
        ([False, 0], ["0", "False"]),
        ([[1], [1.0]], ["[1]", "[1.0]"]),
    ],
)
def test_equal_values_of_other_types_have_places_of_their_own(tmp_path: Path, values: list, order: list[str]) -> None:
    groups, metrics = _study(tmp_path / "s", [{"a": value} for value in values], [0.5] * len(values))
    (panel,) = answer(groups, metrics)["panels"]
    assert (panel["scale"], panel["order"]) == ("category", order)
    assert len(panel["lines"][0]["x"]) == len(values)
    assert {*panel["lines"][0]["x"]} == {*order}


def test_one_batch_and_all_of_them_have_two_places(tmp_path: Path) -> None:
    name = "trainer.limit_train_batches"
    points = [{name: count, "b": b} for count in (1, 1.0) for b in (0, 1, 2)]
    (panel,) = answer(*_study(tmp_path / "s", points, [0.5, 0.75, 0.5, 0.25, 1.0, 0.25]))["panels"]
    assert (panel["axis"], panel["scale"]) == ("b", "linear")
    assert {line["name"]: line["y"] for line in panel["lines"]} == {"1": [0.5, 0.75, 0.5], "1.0": [0.25, 1, 0.25]}
    (panel,) = answer(*_study(tmp_path / "t", [{name: 1}, {name: 1.0}, {name: 0.5}], [0.5, 0.75, 0.25]))["panels"]
    assert (panel["scale"], panel["order"]) == ("category", ["0.5", "1", "1.0"])
    (line,) = panel["lines"]
    assert dict(zip(line["x"], line["y"], strict=True)) == {"0.5": 0.25, "1": 0.5, "1.0": 0.75}


def test_no_batch_is_no_share_either(tmp_path: Path) -> None:
    name = "trainer.overfit_batches"
    (panel,) = answer(*_study(tmp_path / "s", [{name: 0}, {name: 0.0}, {name: 0.5}], [0.5, 0.75, 0.25]))["panels"]
    assert sorted(panel["order"]) == ["0", "0.5"]


def test_zero_among_powers_of_ten_is_a_name(tmp_path: Path) -> None:
    assert not is_numeric("lr", [0.0, 1e-4, 1e-3, 1e-2])
    assert is_numeric("dropout", [0.0, 0.2, 0.5])
    assert not is_numeric("a", [1, True])
    assert spans([1, 8, 64])
    assert not spans([1, 100])


def test_what_the_seeds_do_not_tell_apart_is_said(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s", rates=(0.1, 0.01))
    shutil.rmtree(study / "0003-lr=0.01,seed=2")
    shutil.copytree(study / "0002-lr=0.01,seed=1", study / "0003-lr=0.01,seed=2")
    trial = json.loads((study / "0002-lr=0.01,seed=1" / "trial.json").read_text())
    trial |= {"number": 3, "settings": trial["settings"] | {"seed_everything": 2}}
    (study / "0003-lr=0.01,seed=2" / "trial.json").write_text(json.dumps(trial))
    assert not any("Not told apart" in line for line in sentences(*_groups(study)))
    summary = json.loads((study / "0002-lr=0.01,seed=1" / "summary.json").read_text())
    summary["best"]["metrics"]["val/acc"] = 0.99
    (study / "0002-lr=0.01,seed=1" / "summary.json").write_text(json.dumps(summary))
    assert "Not told apart from it by these seeds: lr=0.01." in sentences(*_groups(study))


def test_seeds_that_agree_exactly_have_no_deviation_but_a_known_one(tmp_path: Path) -> None:
    points = [{"lr": rate, "seed_everything": seed} for rate in (0.1, 0.01) for seed in (1, 2)]
    groups = _study(tmp_path / "s", points, [0.89, 0.91, 0.875, 0.875])
    assert not any("Not told apart" in line for line in sentences(*groups))


def test_only_the_best_may_have_one_run(tmp_path: Path) -> None:
    points = [{"lr": rate, "seed_everything": seed} for rate in (0.1, 0.01) for seed in (1, 2)]
    groups = _study(tmp_path / "s", points, [0.92, 0.0, 0.8, 0.81])
    lines = sentences(*groups)
    assert lines[0] == "Best: lr=0.1 with val/acc 92.00 % (1 of 2 runs; 1 diverged)."
    assert lines[1] == "One run of the best has a value: how much another seed changes is not known."


def test_how_the_other_seeds_of_a_setting_ended_is_said(tmp_path: Path) -> None:
    points = [{"lr": rate, "seed_everything": seed} for rate in (1.0, 0.1) for seed in (1, 2, 3)]
    groups, metrics = _study(tmp_path / "s", points, [0.93, 0.0, 0.0, 0.9, 0.91, 0.0])
    path = tmp_path / "s" / "0005-x" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "finished", "last": None, "best": None}))
    trial = {"number": 5, "settings": points[5], "ended": {"status": "finished", "reason": "", "seconds": 1.0}}
    (path.parent / "trial.json").write_text(json.dumps(trial))
    groups, metrics = _groups(tmp_path / "s")
    assert sentences(groups, metrics) == [
        "Best: lr=1 with val/acc 93.00 % (1 of 3 runs; 2 diverged).",
        "One run of the best has a value: how much another seed changes is not known.",
        "Worst: lr=0.1 with val/acc 90.50 ± 0.71 % (2 of 3 runs; 1 without a value).",
    ]


def test_runs_that_differ_in_nothing_have_no_answer(tmp_path: Path) -> None:
    make_run(tmp_path / "a")
    assert answer(*_groups(tmp_path)) is None
    assert sentences(*_groups(tmp_path)) == []
