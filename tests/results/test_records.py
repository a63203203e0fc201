"""The records: all of them are whole and of the runs that their names say."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from core.errors import InputError
from results.__main__ import FOLDER
from results.records import STUDIES, add_record, parse, read_records, without_folder
from results.settings import defaults, digest, merged
from results.table import Run
from results.table_file import read_table

TABLE = read_table(FOLDER / "table.yaml")
ROW = TABLE["cifar10_vgg"]
TESTED = [("best.ckpt", 2500), ("best.ckpt", 5000), ("last.ckpt", 10000)]  # the first before the run went on
FIRST = "test/acc_first_2000"
SUMMARY = {
    "status": "finished",
    "seed": 1,
    "data": {"name": "CIFAR-10", "source": "/home/me/data (class folders)"},
    "model": {"class": "VGG", "parameters": 52266, "trainable": 52266},
    "hardware": "a machine",
    "versions": {"torch": "2.15.0"},
    "last": {"epoch": 3, "step": 10000, "metrics": {"train/acc": 0.75}},
    "best": {"epoch": 3, "step": 10000, "metrics": {}},
    "tests": [{"checkpoint": "best.ckpt", "epoch": 3, "step": 10000, "metrics": {"test/acc": 0.7289, FIRST: 0.73}}],
    "steps": 10000,
    "seconds": {"total": 250.0, "fit": 249.0},
}


def changed(path: str, value: object) -> dict:
    """Returns the summary with one value replaced, or removed if None."""
    summary = copy.deepcopy(SUMMARY)
    *parents, name = path.split(".")
    place = summary
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    place.pop(name) if value is None else place.update({name: value})
    return summary


def run_folder(path: Path, summary: dict, changes: dict | None = None) -> Path:
    """Makes the folder of a run, as far as records are concerned."""
    path.mkdir(parents=True)
    (path / "summary.json").write_text(json.dumps(summary))
    (path / "config.yaml").write_text(yaml.safe_dump(merged(TABLE["cifar10_vgg"]) | (changes or {})))
    return path


def strings(value: object) -> Iterator[str]:
    """Lists all text among a record's values."""
    if isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def records_of_runs() -> list[Path]:
    """Lists the records, without those of studies."""
    return [path for path in FOLDER.glob("*/*.json") if path.parent.name != STUDIES]


def test_all_records_can_be_read() -> None:
    assert any(read_records(FOLDER, TABLE).values())


def test_no_record_tells_a_folder_of_the_machine_that_made_it() -> None:
    for path in records_of_runs():
        content = json.loads(path.read_text())
        content.pop("monitor", None)  # a logged value such as val/loss
        defaults = [text for text in strings(content.pop("defaults", None)) if Path(text).is_absolute()]
        assert not [*defaults, *(text for text in strings(content) if "/" in text or "\\" in text)], path


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("status", "interrupted", "a run that is interrupted does not count"),
        ("status", None, "status is missing"),
        ("seed", "first", "invalid literal"),
        ("last", None, "no record of a run: last is missing"),
        ("model.parameters", None, "parameters is missing"),
        ("seconds", 250, "not subscriptable"),
        ("data.source", "synthetic pictures", "a run on synthetic pictures does not count"),
    ],
)
def test_what_is_no_record_is_refused(path: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=f"here: .*{message}"):
        parse(changed(path, value), ROW, "here")


def test_a_row_that_asks_for_synthetic_pictures_counts_them() -> None:
    row = replace(ROW, options={"data.source": "synthetic"})
    assert parse(changed("data.source", "synthetic pictures"), row, "here").source == "synthetic pictures"


def test_a_run_without_a_seed_is_refused() -> None:
    with pytest.raises(InputError, match="here: a run without a seed does not count"):
        parse(SUMMARY | {"seed": None}, ROW, "here")


def test_validation_and_test_are_of_one_checkpoint() -> None:
    last = {"epoch": 3, "step": 10000, "metrics": {"train/acc": 0.75, "val/acc": 0.5}}
    best = {"epoch": 1, "step": 5000, "metrics": {"val/acc": 0.6}}
    tests = [{"checkpoint": name, "step": step, "metrics": {"test/acc": step / 1e4}} for name, step in TESTED]
    record = parse(SUMMARY | {"last": last, "best": best, "tests": tests}, ROW, "here")
    assert record.metrics == {"train/acc": 0.75, "val/acc": 0.6, "test/acc": 0.5}
    assert not record.validation_of_last
    record = parse(SUMMARY | {"last": last, "best": None, "tests": tests[:1]}, ROW, "here")
    assert record.metrics == {"train/acc": 0.75, "val/acc": 0.5, "test/acc": 0.25}
    assert record.validation_of_last


def test_a_published_training_that_is_compared_by_validation_ends_at_its_last_epoch() -> None:
    last = {"epoch": 3, "step": 10000, "metrics": {"val/loss": 1.5}}
    best = {"epoch": 1, "step": 5000, "metrics": {"val/loss": 1.4}}
    for row, loss in (("charrnn_anna", 1.5), ("char_rnn_large", 1.4)):
        record = parse(SUMMARY | {"last": last, "best": best, "tests": []}, TABLE[row], "here")
        assert (record.metrics, record.validation_of_last) == ({"val/loss": loss}, loss == 1.5)


def test_every_record_says_what_was_measured_of_which_checkpoint() -> None:
    for path in records_of_runs():
        summary = json.loads(path.read_text())
        assert "metrics" not in summary, path
        assert not {name for name in summary["last"]["metrics"] if name.startswith("test")}, path
        for test in summary["tests"]:
            assert test["checkpoint"] == "best.ckpt", path
            assert (test["step"] is None) == (summary["best"] is None), path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar10_nothing/1", "belongs to no row"),
        ("cifar10_vgg/7", "belongs to no row of the table, or to none of its seeds"),
        ("cifar10_vgg_tb/1", "belongs to no row"),  # it has the runs of another
        ("cifar10_vgg/2", "seed is 1, where cifar10_vgg has 2"),
        ("cifar10_mlp/1", "model is VGG, where cifar10_mlp has MLP"),
    ],
)
def test_a_record_of_another_run_is_refused(name: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(SUMMARY))
    with pytest.raises(InputError, match=message):
        read_records(tmp_path, TABLE)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model.parameters", 52267, "parameters is 52267, where cifar10_vgg has 52266"),
        ("steps", 100, "steps is 100, where cifar10_vgg has 10000"),
        (f"tests.0.metrics.{FIRST}", None, "lacks test/acc_first_2000"),
        ("tests.0.metrics.test/acc", None, "the run was not tested"),
        ("tests.0.metrics.test/acc", 72.9, "test/acc is 72.9, which is no share of 1"),
    ],
)
def test_a_record_is_of_the_published_protocol(path: str, value: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "cifar10_vgg").mkdir()
    (tmp_path / "cifar10_vgg" / "1.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(InputError, match=message):
        read_records(tmp_path, TABLE)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "best.step",
            7500,
            "its test is of the checkpoint of step 10000, and the best one is of step 7500; python",
        ),
        ("tests.0.data", {"changed": "5 images more"}, r"on other data than its training \(5 images more\); test it"),
    ],
)
def test_a_test_of_another_checkpoint_or_of_other_data_does_not_count(
    path: str, value: object, message: str, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run", changed(path, value))
    with pytest.raises(InputError, match=message):
        add_record(tmp_path / "records", Run(TABLE["cifar10_vgg"], 1), folder, TABLE)
    assert not (tmp_path / "records").exists()


def test_broken_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "cifar10_vgg").mkdir()
    (tmp_path / "cifar10_vgg" / "1.json").write_text("{")
    with pytest.raises(InputError, match=r"1\.json: no JSON"):
        read_records(tmp_path, TABLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "no JSON, or a part of it"),
        ("[]", "it holds no mapping but []"),
        (json.dumps(changed("tests.0.metrics.test/acc", True)), "tests: test/acc is True"),
    ],
    ids=["nested", "list", "truth"],
)
def test_a_damaged_summary_is_no_record(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "cifar10_vgg").mkdir()
    (tmp_path / "cifar10_vgg" / "1.json").write_text(text)
    with pytest.raises(InputError, match=rf"1\.json: {re.escape(message)}"):
        read_records(tmp_path, TABLE)
    folder = run_folder(tmp_path / "run", SUMMARY)
    (folder / "summary.json").write_text(text)
    with pytest.raises(InputError, match=rf"summary\.json: {re.escape(message)}"):
        add_record(tmp_path / "records", Run(TABLE["cifar10_vgg"], 1), folder, TABLE)


def test_a_run_becomes_a_record_without_its_folder(tmp_path: Path) -> None:
    summary = SUMMARY | {"sessions": [{"step": 0, "command": "python cli.py fit --data.data_dir /home/me"}]}
    folder = tmp_path / "records"
    add_record(folder, Run(TABLE["cifar10_vgg"], 1), run_folder(tmp_path / "run", summary), TABLE)
    kept = json.loads((folder / "cifar10_vgg" / "1.json").read_text())
    told = {"settings": digest(ROW), "defaults": defaults(ROW), "sessions": [{"step": 0, "command": None}]}
    assert kept == changed("data.source", "class folders") | told
    records = read_records(folder, TABLE)
    assert records["cifar10_vgg"] == records["cifar10_vgg_tb"] == records["vggstudy_relu_10k"]
    assert records["cifar10_vgg"][0].metrics["test/acc"] == 0.7289


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.initializer": "he"}, "--model.initializer is he, where cifar10_vgg has xavier"),
        ({"model.dropout": 0.9}, "--model.dropout is 0.9, where cifar10_vgg has 0.0"),
        ({"weights": "elsewhere"}, "--weights is elsewhere, where cifar10_vgg has None"),
    ],
)
def test_a_run_with_other_settings_does_not_become_one(change: dict, message: str, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", SUMMARY, change)
    with pytest.raises(InputError, match=message):
        add_record(tmp_path, Run(TABLE["cifar10_vgg"], 1), folder, TABLE)
    assert not (tmp_path / "cifar10_vgg").exists()


def test_a_record_goes_with_the_settings_of_its_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "records"
    add_record(folder, Run(TABLE["cifar10_vgg"], 1), run_folder(tmp_path / "run", SUMMARY), TABLE)
    monkeypatch.setitem(TABLE["cifar10_vgg"].options, "model.dropout", 0.5)
    with pytest.raises(InputError, match=r"1\.json: published/cifar10_vgg\.yaml has other settings by now: remove"):
        read_records(folder, TABLE)


def test_one_thread_is_no_threads() -> None:
    assert parse(changed("hardware", "a machine, 1 threads"), ROW, "here").hardware == "a machine, 1 thread"
    assert parse(changed("hardware", "a machine, 11 threads"), ROW, "here").hardware == "a machine, 11 threads"


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("/home/me/data (class folders)", "class folders"),
        ("C:\\me (mine)\\data (torchvision's batches)", "torchvision's batches"),
        ("/home/me/MNIST/raw", "files"),
        ("/data/me (private)", "files"),
        ("/data/me (private) (streamed)", "streamed"),
        ("100 points a corner, noise 0.1", "100 points a corner, noise 0.1"),
    ],
)
def test_folders_are_left_out(source: str, kept: str) -> None:
    assert without_folder(source, TABLE.layouts) == kept
