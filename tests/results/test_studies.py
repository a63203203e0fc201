"""A study that has ended becomes a record, which the page and the lessons show."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import engine.cli.merged_settings
import results.studies
from core.errors import InputError
from engine.settings.config_names import CONFIGS
from results.lessons import pages
from results.studies import StudyRecord, add_study, read_studies
from results.study_tables import study_tables
from tests.processes import ROOT
from tests.result_rows import table
from tests.results.lesson_figures import claims
from tests.studies.report.folders import make_study

USUAL_SEED = 42
RECORDED = read_studies(ROOT / "results")
COMMAND = ["python", "cli.py", "fit", "--config", "published/winit.yaml", "--config", "${args_json_file}"]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study of three learning rates with two seeds, whose file is among the configs."""
    folder = make_study(tmp_path / "runs" / "rates")
    change(folder / "study.json", file={"program": "cli.py", "command": COMMAND})
    file = json.loads((folder / "study.json").read_text())["file"]
    (tmp_path / "configs" / "studies").mkdir(parents=True)
    (tmp_path / "configs" / "studies" / "rates.yaml").write_text(f"# Three rates.\n{yaml.safe_dump(file)}")
    monkeypatch.setattr(results.studies, "CONFIGS", tmp_path / "configs")
    settings = {"model": {"dropout": 0.2}, "data": {"data_dir": "elsewhere"}}
    monkeypatch.setattr(engine.cli.merged_settings, "merged_settings", lambda words: settings)
    return folder


@pytest.fixture
def records(study: Path, tmp_path: Path) -> dict[str, StudyRecord]:
    """The records, with that of the study."""
    add_study(tmp_path / "results", study, table())
    return read_studies(tmp_path / "results")


def change(path: Path, **changes: dict[str, Any]) -> None:
    """Changes blocks of a file of JSON."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {name: content[name] | block for name, block in changes.items()}))


def test_the_record_has_every_trial(records: dict[str, StudyRecord]) -> None:
    record = records["rates"]
    assert (record.metric, record.better, record.source) == ("val/acc", "max", "digits (somewhere)")
    assert [point.label for point in record.points] == ["lr=0.1", "lr=0.01", "lr=0.001"]
    assert [len(point.values("val/acc")) for point in record.points] == [2, 2, 1]
    assert record.best.label == "lr=0.1"
    assert record.figure(record.best, "val/acc") == "91.50 ± 0.71"
    assert record.points[2].failures == {"failed": 1}


def test_the_page_shows_what_was_found(records: dict[str, StudyRecord]) -> None:
    page = study_tables(records, {"rates": "High rates win.", "sizes": "For want of hours."})
    assert "### rates\n\nThree rates.\n\n**Found:** High rates win.\n" in page
    assert "| lr | val/acc (%) | train/loss | n |\n| --- | --- | --- | --- |\n" in page
    assert "| 0.1 | **91.50 ± 0.71** | 0.085 ± 0.007 | 2 |" in page
    assert "| 0.001 | 71.00 | 0.290 | 2 (1 failed) |" in page
    assert "### Not yet run\n\n- `sizes`: For want of hours.\n" in page


def test_lessons_quote_its_figures(records: dict[str, StudyRecord]) -> None:
    text = "**91.50 ± 0.71 %** (`rates lr=0.1`, n 2) **0.080 ± 0.007** (`rates lr=0.1`, n 2, `train/loss`)"
    assert [claim.holds for claim in claims(text, table(), {}, records)] == [True, False]
    for unknown in ("rates lr=5", "sizes lr=0.1"):
        with pytest.raises(InputError, match="it has no record"):
            list(claims(f"**91.5 %** (`{unknown}`, n 2)", table(), {}, records))


def test_a_setting_that_is_newer_than_the_study_counts_where_it_is_given(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"model": {"dropout": 0.2}, "data": {"data_dir": "elsewhere"}, "trainer": {"newer": 3}}
    monkeypatch.setattr(engine.cli.merged_settings, "merged_settings", lambda words: settings)
    assert add_study(tmp_path / "results", study, table()).name == "rates"
    given = SimpleNamespace(given={"trainer.newer": 3}, flagged=set())
    monkeypatch.setattr(results.studies, "parse_command_line", lambda words: given)
    with pytest.raises(InputError, match=r"--trainer\.newer is None, where rates\.yaml has 3"):
        add_study(tmp_path / "results", study, table())


def test_what_does_not_count_is_refused(study: Path, tmp_path: Path) -> None:
    trial, summary = study / "0005-lr=0.001,seed=2" / "trial.json", study / "0000-lr=0.1,seed=1" / "summary.json"
    for path, words, changes in (
        (trial, "has not ended", {"ended": None}),
        (summary, "synthetic data does not count", {"data": {"name": "digits", "source": "synthetic"}}),
        (
            study / "study.json",
            "--model.dropout is 0.5, where rates.yaml has 0.2",
            {"settings": {"model.dropout": 0.5}},
        ),
        (study / "study.json", "is of no file in configs/studies/", {"file": {"method": "random"}}),
    ):
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | changes))
        with pytest.raises(InputError, match=words):
            add_study(tmp_path / "results", study, table())
        path.write_text(before)
    with pytest.raises(InputError, match="no study's folder"):
        add_study(tmp_path / "results", study / trial.parent.name, table())
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("missing", ["measures", "data", "hardware", "versions"])
def test_a_study_of_an_earlier_release_is_refused(missing: str, study: Path, tmp_path: Path) -> None:
    """Whose summaries do not say all that a record needs."""
    path = study / "0001-lr=0.1,seed=2" / "summary.json"
    summary = json.loads(path.read_text())
    del summary[missing]
    path.write_text(json.dumps(summary))
    reason = rf"seed=2/summary\.json: lacks what the record of a study needs \('{missing}'\), as those of earlier"
    with pytest.raises(InputError, match=reason):
        add_study(tmp_path / "results", study, table())
    assert not (tmp_path / "results").exists()


def test_a_study_without_a_value_of_its_metric_is_no_record(study: Path, tmp_path: Path) -> None:
    """It became one, and no page could be made any more."""
    for path in study.glob("*/summary.json"):
        change(path, best={"metrics": {"val/loss": 0.5}}, last={"metrics": {"val/loss": 0.5}})
    with pytest.raises(InputError, match="rates: no trial has a value of val/acc"):
        add_study(tmp_path / "results", study, table())
    assert not (tmp_path / "results").exists()


def test_a_study_with_trials_still_to_be_made_is_refused(study: Path, tmp_path: Path) -> None:
    """One that Ctrl-C saved, and one that has not begun."""
    summary, trial = (study / "0000-lr=0.1,seed=1" / name for name in ("summary.json", "trial.json"))
    before = trial.read_text()
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "interrupted"}))
    trial.write_text(json.dumps(json.loads(before) | {"ended": None}))
    with pytest.raises(InputError, match="has not ended, with 5 of 6 trials; the same command goes on with it"):
        add_study(tmp_path / "results", study, table())
    trial.write_text(before)
    shutil.rmtree(study / "0005-lr=0.001,seed=2")
    with pytest.raises(InputError, match="has not ended, with 5 of 6 trials"):
        add_study(tmp_path / "results", study, table())


def test_a_study_that_reached_its_target_is_whole(study: Path, tmp_path: Path) -> None:
    metric = {"name": "val/acc", "goal": "maximize", "target": 0.9}
    change(study / "study.json", file={"metric": metric})
    file = json.loads((study / "study.json").read_text())["file"]
    (tmp_path / "configs" / "studies" / "rates.yaml").write_text(yaml.safe_dump(file))
    shutil.rmtree(study / "0005-lr=0.001,seed=2")
    assert len(add_study(tmp_path / "results", study, table()).points) == 3


def test_a_pruned_trial_is_recorded_without_figures(study: Path, tmp_path: Path) -> None:
    trial = study / "0001-lr=0.1,seed=2" / "trial.json"
    ended = {"status": "pruned", "reason": "after 1 epoch", "seconds": 1.0}
    trial.write_text(json.dumps(json.loads(trial.read_text()) | {"pruned": {"epochs": 1}, "ended": ended}))
    record = add_study(tmp_path / "results", study, table())
    assert record.figure(record.points[0], "val/acc") == "91.00"
    assert record.points[0].failures == {"pruned": 1}


def test_a_record_does_not_outlive_its_file(records: dict[str, StudyRecord], tmp_path: Path) -> None:
    file = tmp_path / "configs" / "studies" / "rates.yaml"
    file.write_text(file.read_text().replace("0.01", "0.02"))
    record = re.escape(str(tmp_path / "results" / "studies" / "rates.json"))
    with pytest.raises(InputError, match=rf"^{record}: rates\.yaml says something else by now: run the study anew$"):
        read_studies(tmp_path / "results")
    file.unlink()
    with pytest.raises(InputError, match=r"there is no study rates\.yaml"):
        read_studies(tmp_path / "results")


def test_a_record_tells_one_batch_from_all_of_them(records: dict[str, StudyRecord], tmp_path: Path) -> None:
    file = tmp_path / "configs" / "studies" / "rates.yaml"
    text = file.read_text()
    limited = {"model.lr": {"values": [0.1, 0.01, 0.001]}, "trainer.limit_train_batches": {"value": 1}}
    change(tmp_path / "results" / "studies" / "rates.json", file={"parameters": limited})
    file.write_text(text.replace("parameters:", "parameters:\n  trainer.limit_train_batches: {value: 1}"))
    assert read_studies(tmp_path / "results").keys() == {"rates"}
    file.write_text(file.read_text().replace("value: 1}", "value: 1.0}"))
    with pytest.raises(InputError, match="says something else by now"):
        read_studies(tmp_path / "results")


@pytest.mark.parametrize(
    "damage",
    ["{", "[" * 100_000, "[]", {"measures": []}, {"points": [3]}, {"points": []}],
    ids=["broken", "nested", "list", "measures", "points", "no points"],
)
def test_a_damaged_record_is_named(damage: str | dict, records: dict[str, StudyRecord], tmp_path: Path) -> None:
    path = tmp_path / "results" / "studies" / "rates.json"
    content = json.loads(path.read_text())
    path.write_text(damage if isinstance(damage, str) else json.dumps(content | damage))
    with pytest.raises(InputError, match=r"rates\.json: no record of a study"):
        read_studies(tmp_path / "results")


def seeds_of_commands(name: str, text: str) -> list[list[int]]:
    """Returns the seeds of each command in a text that makes a study."""
    return [
        [int(seed) for seed in seeds.split(",")] if seeds else [USUAL_SEED]
        for seeds in re.findall(rf"python cli\.py study {name}\.yaml(?: --seeds ([\d,]+))?", text)
    ]


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_commands_of_its_head_and_of_lessons_have_the_seeds_of_its_record(name: str) -> None:
    recorded = {tuple(run["seed"] for run in point.runs) for point in RECORDED[name].points}
    head = (CONFIGS / "studies" / f"{name}.yaml").read_text(encoding="utf-8")
    lessons = [page.read_text(encoding="utf-8") for page in pages(ROOT / "docs" / "lessons")]
    assert seeds_of_commands(name, head)
    for text in (head, *lessons):
        assert all({tuple(seeds)} == recorded for seeds in seeds_of_commands(name, text))


def test_seeds_of_commands_are_found() -> None:
    text = "python cli.py study a.yaml --seeds 1,2 --workers 2, python cli.py study a.yaml, python cli.py study ab.yaml"
    assert seeds_of_commands("a", text) == [[1, 2], [USUAL_SEED]]
