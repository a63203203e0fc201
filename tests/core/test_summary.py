"""The record of a run: strict JSON, files of earlier releases, and which figures belong to which checkpoint."""

import json
import math
from pathlib import Path

import pytest

from core.summary import (
    add_measured,
    counted_test,
    damage_of_summary,
    figures,
    last_block,
    read_summary,
    strict_json,
    summary_of,
    upgraded,
    write_summary,
)

TRAINED = {"train/loss": 1.0, "train/acc": 0.7}
VALIDATED = {"val/loss": 1.1, "val/acc": 0.6}
TESTED = {"test/loss": 1.2, "test/acc": 0.65}
EARLIER = {"status": "finished", "seed": 1, "epochs": 3, "steps": 18}


def test_json_has_no_nan(tmp_path: Path) -> None:
    content = {"a": [math.nan, {"b": (math.inf, -math.inf)}], "c": 1.5, "d": True, "e": 3, "f": None}
    path = tmp_path / "summary.json"
    write_summary(path, content)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    read = json.loads(path.read_text(), parse_constant=refuse)
    assert read == {"a": [None, {"b": [None, None]}], "c": 1.5, "d": True, "e": 3, "f": None}
    assert strict_json(read) == path.read_text()


def test_an_earlier_record_does_not_know_its_best_epoch(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(EARLIER | {"metrics": TRAINED | VALIDATED | TESTED, "ended": "then"}))
    assert read_summary(path) == EARLIER | {
        "last": {"epoch": 2, "step": 18, "metrics": TRAINED | VALIDATED},
        "best": None,
        "tests": [{"checkpoint": None, "epoch": None, "step": None, "metrics": TESTED}],
        "validations": [],
        "ended": "then",
    }
    assert figures(read_summary(path)) == TRAINED | VALIDATED | TESTED


def test_without_validation_an_earlier_records_best_epoch_is_its_last() -> None:
    summary = upgraded(EARLIER | {"metrics": TRAINED | TESTED})
    assert summary["best"] == {"epoch": 2, "step": 18, "metrics": {}}
    assert [(test["epoch"], test["step"]) for test in summary["tests"]] == [(2, 18)]


def test_the_last_epochs_step_of_an_earlier_run_that_was_broken_off_is_not_known() -> None:
    summary = upgraded(EARLIER | {"status": "interrupted", "steps": 20, "metrics": TRAINED})
    assert (summary["last"]["epoch"], summary["last"]["step"]) == (2, None)


def test_a_record_of_today_stays_as_it_is() -> None:
    summary = upgraded(EARLIER | {"metrics": TRAINED})
    assert upgraded(summary) is summary


def test_figures_are_told_from_places_and_learning_rates_by_their_whole_names() -> None:
    measured = {"lr_gap": 0.5, "step_time": 2.0, "epoch_loss": 1.0, "seconds_lost": 3.0}
    row = {"epoch": "1", "step": "8", "seconds": "3.5", "lr": "0.1", "lr/1": "0.2", "val/loss": ""}
    block = last_block([row | {name: str(value) for name, value in measured.items()}], None)
    assert block == {"epoch": 1, "step": 8, "metrics": measured}


def test_a_measurement_of_the_same_checkpoint_completes_and_replaces() -> None:
    place = {"checkpoint": "best.ckpt", "epoch": 1, "step": 10}
    one = add_measured([], place | {"metrics": {"test/acc": 0.5, "test/loss": 2.0}})
    two = add_measured(one, {"checkpoint": "last.ckpt", "epoch": 2, "step": 20, "metrics": {"test/acc": 0.4}})
    three = add_measured(two, place | {"metrics": {"test/acc": 0.6, "test/acc_first_9": 0.7}})
    assert [entry["checkpoint"] for entry in three] == ["last.ckpt", "best.ckpt"]
    assert three[1]["metrics"] == {"test/acc": 0.6, "test/loss": 2.0, "test/acc_first_9": 0.7}
    later = add_measured(three, place | {"epoch": 3, "step": 40, "metrics": {"test/acc": 0.8}})
    assert len(later) == 3, "best.ckpt is another one by now"


@pytest.mark.parametrize(("best", "accuracy"), [(10, 0.5), (20, 0.4), (99, 0.4), (None, 0.4)])
def test_the_test_that_counts_is_of_the_best_checkpoint(best: int | None, accuracy: float) -> None:
    tests = [{"step": step, "metrics": {"test/acc": value}} for step, value in ((10, 0.5), (20, 0.4))]
    block = None if best is None else {"epoch": 1, "step": best, "metrics": {}}
    assert counted_test({"tests": tests, "best": block})["metrics"]["test/acc"] == accuracy
    assert counted_test({}) is None


def test_a_test_of_a_checkpoint_outside_the_run_does_not_count() -> None:
    own, other = ({"checkpoint": name, "step": 10, "metrics": {}} for name in ("best.ckpt", "/elsewhere/best.ckpt"))
    assert counted_test({"tests": [own, other], "best": {"step": 10}}) is own
    assert counted_test({"tests": [other], "best": {"step": 10}}) is None
    as_trained = own | {"checkpoint": None}
    assert counted_test({"tests": [as_trained, other], "best": {"step": 10}}) is as_trained


def test_a_test_on_changed_data_counts_only_where_there_is_no_other() -> None:
    own, changed = ({"step": 10, "metrics": {}, "data": data} for data in ({"sizes": {}}, {"changed": "others"}))
    assert counted_test({"tests": [own, changed], "best": own}) is own
    assert counted_test({"tests": [changed], "best": own}) is changed
    odd = own | {"data": "no mapping"}
    assert counted_test({"tests": [odd], "best": own}) is odd


def test_blocks_that_do_not_say_when_they_were_measured_are_read(tmp_path: Path) -> None:
    content = {"last": {"metrics": TRAINED}, "best": {"metrics": {}}, "tests": [{"metrics": TESTED}]}
    (tmp_path / "summary.json").write_text(json.dumps(content))
    summary = read_summary(tmp_path / "summary.json")
    assert figures(summary) == TRAINED | TESTED
    assert last_block([{"epoch": "1", "step": "8", "val/acc": "0.5"}], summary["last"])["metrics"] == {"val/acc": 0.5}


def test_a_run_without_an_intact_summary_has_none(tmp_path: Path) -> None:
    assert summary_of(tmp_path) == {}
    (tmp_path / "summary.json").write_text("{")
    assert summary_of(tmp_path) == {}
    (tmp_path / "summary.json").write_text(json.dumps(EARLIER))
    assert summary_of(tmp_path) == read_summary(tmp_path / "summary.json")


@pytest.mark.parametrize(
    "odd",
    [
        *({"best": {"metrics": {"val/acc": 10**400}}}, {"seconds": {"fit": 10**400}}, {"epochs": 2**63}),
        *({"samples_per_second": "x"}, {"samples_per_second": 10**400}, {"last": {"epoch": -(10**40), "metrics": {}}}),
        *({"seconds": {"fit": math.inf}}, {"seconds": {"fit": math.nan}}),
    ],
)
def test_a_record_with_an_odd_number_is_damaged(odd: dict) -> None:
    assert damage_of_summary(json.dumps(EARLIER | odd))


@pytest.mark.parametrize("odd", [{"best": {"metrics": {"val/acc": math.nan}}}, {"seed": 2**63 - 1}, {"steps": None}])
def test_a_record_with_a_possible_number_is_read(odd: dict) -> None:
    assert damage_of_summary(json.dumps(EARLIER | odd)) == ""
