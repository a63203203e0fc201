"""The rows of a run's figures."""

import csv
import json
from pathlib import Path

from callbacks import Record
from core.metric_rows import MetricRows, is_rate, times_in_epochs
from engine.trainer import Trainer
from tests.plain import PlainData, PlainModule


def _rows(*rows: dict[str, float]) -> MetricRows:
    table = MetricRows()
    for row in rows:
        table.add(row)
    return table


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    table, again = _rows({"epoch": 0, "step": 2, "lr": 0.1}, {"epoch": 1, "step": 4, "val/loss": 1 / 3}), MetricRows()
    table.write(tmp_path)
    again.read(tmp_path)
    assert [{k: v for k, v in row.items() if v} for row in again.rows] == table.rows
    assert table.rows[1] == {"epoch": "1", "step": "4", "val/loss": "0.333333"}


def test_learning_rates_are_known_by_their_whole_names() -> None:
    names = ("lr", "lr/0", "lr_gap", "lrs", "val/lr")
    assert [name for name in names if is_rate(name)] == ["lr", "lr/0"]


def test_the_last_row_of_an_epoch_is_at_its_end_and_others_lie_by_their_steps() -> None:
    assert times_in_epochs([(0, 4), (1, 5), (1, 8), (2, 8)]) == [1.0, 1.25, 2.0, 3.0]


def test_what_is_measured_at_one_step_is_one_row() -> None:
    rows = _rows({"epoch": 0, "step": 2, "val/loss": 2.0}, {"epoch": 0, "step": 2, "train/loss": 1.0}).rows
    assert rows == [{"epoch": "0", "step": "2", "val/loss": "2", "train/loss": "1"}]


def test_an_epoch_that_goes_on_keeps_the_rows_of_its_validations() -> None:
    table = _rows(
        {"epoch": 0, "step": 4, "lr": 0.1, "train/loss": 1.0, "val/loss": 1.0},
        {"epoch": 1, "step": 6, "lr": 0.1, "val/loss": 2.0},
        {"epoch": 1, "step": 7, "lr": 0.1, "train/loss": 1.0, "val/loss": 3.0},
    )
    assert [row["step"] for row in table.reopen(1, ["val/loss"], 6)] == ["4"]
    assert [row["step"] for row in table.rows] == ["4", "6"]
    table.cut(5)
    assert [row["step"] for row in table.rows] == ["4"]


def test_a_validation_that_was_due_where_an_epoch_was_cut_stays() -> None:
    table = _rows({"epoch": 1, "step": 6, "lr": 0.1, "val/loss": 2.0, "train/loss": 1.0})
    assert table.reopen(1, ["val/loss"], 6) == []
    assert table.rows == [{"epoch": "1", "step": "6", "lr": "0.1", "val/loss": "2"}]


def test_the_validation_of_a_stop_goes_whatever_else_was_logged() -> None:
    """A row of validation values alone was taken for one of a validation within the epoch."""
    places = [(0, 3), (0, 6), (1, 9), (1, 10)]
    for validated_at, left in ((9, ["3", "6", "9"]), (None, ["3", "6"])):
        table = _rows(*({"epoch": epoch, "step": step, "val/loss": 1.0} for epoch, step in places))
        table.reopen(1, ["val/loss"], validated_at)
        assert [row["step"] for row in table.rows] == left


def test_a_run_that_measures_in_validation_alone_forgets_that_of_a_stop() -> None:
    class Quiet(PlainModule):
        def log(self, name: str, *values: object, **settings: object) -> None:
            if name != "train_loss":
                super().log(name, *values, **settings)

    settings = {"accelerator": "cpu", "val_check_interval": 3, "logger": False}
    trainer = Trainer(max_steps=4, **settings)
    trainer.fit(Quiet(), PlainData())
    run = trainer.run_folder.path
    assert [row["step"] for row in trainer.builtin(Record).rows] == ["3", "4"]
    trainer.run_folder.release()
    again = Trainer(max_epochs=1, **settings)
    again.fit(Quiet(), PlainData(), ckpt_path=run)
    assert [row["step"] for row in again.builtin(Record).rows] == ["3", "5"]


def _recorded(run: Path) -> list[tuple[str, str, bool, bool]]:
    with open(run / "metrics.csv", newline="") as file:
        rows = csv.DictReader(file)
        return [(row["epoch"], row["step"], bool(row["val_loss"]), bool(row["train_loss"])) for row in rows]


def test_validations_within_an_epoch_are_recorded_at_their_steps() -> None:
    """The latest one of an epoch stood in its row, and the others were lost."""
    trainer = Trainer(accelerator="cpu", max_epochs=2, val_check_interval=2, logger=False)
    trainer.fit(PlainModule(), PlainData())
    assert _recorded(trainer.run_folder.path) == [
        ("0", "2", True, False),
        ("0", "4", True, False),
        ("0", "5", False, True),
        ("1", "7", True, False),
        ("1", "9", True, False),
        ("1", "10", False, True),
    ]


def test_a_validation_at_the_epochs_end_stands_in_its_row() -> None:
    trainer = Trainer(accelerator="cpu", max_epochs=1, val_check_interval=1, limit_train_batches=2, logger=False)
    trainer.fit(PlainModule(), PlainData())
    assert _recorded(trainer.run_folder.path) == [("0", "1", True, False), ("0", "2", True, True)]


def test_seconds_go_on_from_those_of_an_earlier_process(tmp_path: Path) -> None:
    """And rows of an earlier release, which have none, are read."""
    settings = {"accelerator": "cpu", "logger": False, "default_root_dir": tmp_path}
    trainer = Trainer(max_epochs=2, **settings)
    trainer.fit(PlainModule(), PlainData())
    run = trainer.run_folder.path
    trainer.run_folder.release()
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"seconds": {"total": 900.0, "fit": 800.0}}))
    again = Trainer(max_epochs=3, **settings)
    again.fit(PlainModule(), PlainData(), ckpt_path=run)
    seconds = [float(row["seconds"]) for row in again.builtin(Record).rows]
    assert 0 <= seconds[0] <= seconds[1] < 800 < seconds[2] < 900
    again.run_folder.release()

    earlier = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    place = earlier[0].index("seconds")
    (run / "metrics.csv").write_text("".join(",".join(one[:place] + one[place + 1 :]) + "\n" for one in earlier))
    longer = Trainer(max_epochs=4, **settings)
    longer.fit(PlainModule(), PlainData(), ckpt_path=run)
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    assert [bool(row["seconds"]) for row in rows] == [False, False, False, True]
