"""The record of a run says what it was and what came of it."""

import csv
import fcntl
import json
import math
import os
import shutil
import signal
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from callbacks import RunCheckpoint
from callbacks.nan_guard import Diverged
from core.code.code_state import code_version, git_state
from core.errors import InputError, RunFailed, RunInterrupted
from core.files.atomic_files import write_atomically
from core.files.files_in_use import FileInUse
from core.metric_rows import PLACES, without_copies
from core.summary import write_summary
from datamodules.batches import ImageBatch
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.bits import figures_of
from tests.plain import PlainData, PlainModule, PlainPlayers
from tests.tiny import Gaps, TinyDataModule, tiny_trainer, tiny_vgg


class RaiseAt(Callback):
    """Ends a run at a step."""

    def __init__(self, step: int, error: BaseException) -> None:
        self.step = step
        self.error = error

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            raise self.error


def _fit(
    root: Path,
    *callbacks: Callback,
    run: Path | None = None,
    ckpt_path: Path | None = None,
    max_epochs: int = 2,
    **data: object,
) -> Path:
    settings = {"callbacks": list(callbacks), "run_folder": run and RunFolder(run), "max_epochs": max_epochs}
    trainer = tiny_trainer(root, logger=False, seed=7, **settings)
    try:
        trainer.fit(tiny_vgg(), TinyDataModule(**data), ckpt_path=ckpt_path)
    finally:
        root = trainer.run_folder.path
    return root


def _summary(run: Path) -> dict:
    return json.loads((run / "summary.json").read_text())


def _rows(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_finished_run_has_every_field_of_the_design(tmp_path: Path) -> None:
    summary = _summary(_fit(tmp_path))
    assert summary["status"] == "finished"
    assert summary["seed"] is None, "the weights were drawn before the trainer knew a seed"
    assert summary["data"] == {
        "name": "tiny pictures",
        "source": "synthetic pictures",
        "sizes": {"train": 240, "val": 40, "test": 50},
    }
    parameters = sum(parameter.numel() for parameter in tiny_vgg().parameters())
    assert summary["model"] == {"class": "VGG", "parameters": parameters, "trainable": parameters}
    assert summary["monitor"] == {"name": "val/acc", "better": "max"}
    assert summary["measures"]["acc"] == {"better": "max", "unit": "%", "digits": 2, "words": "accuracy"}
    assert set(summary["last"]["metrics"]) == {"train/loss", "train/acc", "val/loss", "val/acc"}
    assert all(math.isfinite(value) for value in summary["last"]["metrics"].values())
    assert (summary["last"]["epoch"], summary["last"]["step"]) == (1, 12)
    assert (summary["epochs"], summary["steps"]) == (2, 12)
    assert summary["seconds"]["total"] >= summary["seconds"]["fit"] >= 0
    assert summary["samples_per_second"] > 0
    assert summary["precision"] == "32-true"
    assert summary["hardware"]
    assert {"python", "torch", "pytorch-lightning"} <= set(summary["versions"])
    assert datetime.fromisoformat(summary["started"]) <= datetime.fromisoformat(summary["ended"])
    assert summary["interrupted"] is False
    (session,) = summary["sessions"]
    assert (session["step"], session["command"]) == (0, None)
    assert session["code"] == {"version": code_version()} | git_state()


def test_best_and_last_are_two_blocks(tmp_path: Path) -> None:
    """Figures of the last epoch once stood beside a test of another one's checkpoint."""
    run = _fit(tmp_path, max_epochs=4)
    summary, rows = _summary(run), _rows(run)
    for block, chosen in (("last", rows[-1]), ("best", max(rows, key=lambda row: float(row["val/acc"])))):
        assert (summary[block]["epoch"], summary[block]["step"]) == (int(chosen["epoch"]), int(chosen["step"]))
        for name in ("val/acc", "val/loss"):
            assert summary[block]["metrics"][name] == pytest.approx(float(chosen[name]), rel=1e-5)
    assert set(summary["best"]["metrics"]) == {"val/acc", "val/loss"}
    kept = load_checkpoint(run / "checkpoints" / "best.ckpt")
    assert (kept["epoch"], kept["optimizer_steps"]) == (summary["best"]["epoch"], summary["best"]["step"])


@pytest.mark.parametrize("name", ["best.ckpt", "last.ckpt"])
def test_the_summary_knows_of_a_best_checkpoint_as_soon_as_it_is_there(name: str, tmp_path: Path) -> None:
    """A run that is killed leaves what it has written."""

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            if trainer.current_epoch:
                path = trainer.run_folder.path
                kept, summary = load_checkpoint(path / "checkpoints" / name), _summary(path)
                assert summary[name.removesuffix(".ckpt")]["step"] == kept["optimizer_steps"]

    _fit(tmp_path, Look(), max_epochs=3)


def test_screen_and_records_count_epochs_alike_and_say_whose_weights_they_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _fit(tmp_path, EMAWeightAveraging(decay=0.5))
    lines, summary = capsys.readouterr().out.splitlines(), _summary(run)
    shown = [int(line.split()[1].split("/")[0]) for line in lines if line.startswith("epoch")]
    assert shown == [int(row["epoch"]) for row in _rows(run)] == [0, 1]
    assert shown[-1] == summary["last"]["epoch"] == load_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"]
    assert "note     validation and checkpoints are of averaged weights (EMAWeightAveraging)" in lines
    assert summary["model"]["averaged_by"] == "EMAWeightAveraging"


def test_without_validation_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    summary = _summary(_fit(tmp_path, val_size=0))
    assert summary["best"] == {"epoch": 1, "step": 14, "metrics": {}}
    assert summary["last"]["step"] == 14


def test_each_evaluation_says_which_checkpoint_it_measured(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    before = _summary(run)
    trainer = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    elsewhere = tmp_path / "kept.ckpt"
    shutil.copy(run / "checkpoints" / "last.ckpt", elsewhere)
    for path in (run / "checkpoints" / "best.ckpt", run / "checkpoints" / "last.ckpt", elsewhere):
        trainer.test(tiny_vgg(), TinyDataModule(), ckpt_path=path, verbose=False)
        trainer.validate(tiny_vgg(), TinyDataModule(), ckpt_path=path, verbose=False)
    after = _summary(run)
    for block, names in (("tests", {"test/acc", "test/loss"}), ("validations", {"val/acc", "val/loss"})):
        assert [entry["checkpoint"] for entry in after[block]] == ["best.ckpt", "last.ckpt", str(elsewhere)]
        for entry, measured in zip(after[block], (before["best"], before["last"], before["last"]), strict=True):
            assert (entry["epoch"], entry["step"]) == (measured["epoch"], measured["step"])
            assert set(entry["metrics"]) == names
    for entry, measured in zip(after["validations"], (before["best"], before["last"]), strict=False):
        assert entry["metrics"]["val/acc"] == pytest.approx(measured["metrics"]["val/acc"])
    assert {**after, "tests": [], "validations": []} == before, "no figure of the fit has changed"


def test_weights_in_memory_are_measured_as_those_of_the_last_epoch(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=2, logger=False, enable_checkpointing=False)
    trainer.fit(model := tiny_vgg(), TinyDataModule())
    trainer.test(model, TinyDataModule(), verbose=False)
    summary = _summary(trainer.run_folder.path)
    (entry,) = summary["tests"]
    assert (entry["checkpoint"], entry["epoch"], entry["step"]) == (None, 1, 12)
    assert (summary["last"]["epoch"], summary["last"]["step"]) == (1, 12)


def test_a_measurement_on_changed_data_says_so_and_keeps_what_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _fit(tmp_path)
    trainer = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    best = run / "checkpoints" / "best.ckpt"
    change = "the images have changed since this run was trained (240 training images then, 250 now)"
    for measure, block in ((trainer.test, "tests"), (trainer.validate, "validations")):
        capsys.readouterr()
        measure(tiny_vgg(), TinyDataModule(), ckpt_path=best, verbose=False)
        assert "have changed" not in capsys.readouterr().out
        measure(tiny_vgg(), TinyDataModule(val_size=30), ckpt_path=best, verbose=False)
        assert f"{change}; it may have learned some of validation and test" in capsys.readouterr().out
        before, after = (entry["data"] for entry in _summary(run)[block])
        assert before["sizes"] == {"train": 240, "val": 40, "test": 50}
        assert after["sizes"] == {"train": 250, "val": 30, "test": 50}
        assert len(before["digest"]) == 16
        assert before["digest"] != after["digest"]
        assert (before.get("changed"), after["changed"]) == (None, change)


def test_other_samples_of_the_measured_part_have_another_digest(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    trainer = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    for shift in (0, 0, 1):
        data = TinyDataModule()
        data.setup("test")
        data.splits["test"].images += shift
        trainer.test(tiny_vgg(), data, ckpt_path=run / "checkpoints" / "best.ckpt", verbose=False)
    one, other = (entry["data"] for entry in _summary(run)["tests"])
    assert one["digest"] != other["digest"]
    assert "changed" not in other, "what was trained on is the same"


def test_a_fit_keeps_what_a_test_beside_it_measured(tmp_path: Path) -> None:
    class TestBeside(Callback):
        def on_train_epoch_start(self, trainer: Trainer, *_: object) -> None:
            if trainer.current_epoch == 1:
                run = trainer.run_folder.path
                beside = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
                beside.test(tiny_vgg(), TinyDataModule(), ckpt_path=run / "checkpoints" / "best.ckpt", verbose=False)

    summary = _summary(_fit(tmp_path, TestBeside()))
    assert summary["status"] == "finished"
    assert [(test["checkpoint"], test["epoch"], test["step"]) for test in summary["tests"]] == [("best.ckpt", 0, 6)]


def test_no_other_process_changes_a_summary_while_it_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def write(path: Path, summary: dict[str, Any]) -> None:
        handle = os.open(path.parent, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
        written.append(summary["status"])
        write_summary(path, summary)

    monkeypatch.setattr("callbacks.record.write_summary", write)
    run = _fit(tmp_path)
    beside = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    beside.test(tiny_vgg(), TinyDataModule(), ckpt_path=run / "checkpoints" / "best.ckpt", verbose=False)
    assert written[0] == "running"
    assert written[-2:] == ["finished", "finished"], "by the fit and by the test"


def test_a_measure_that_is_not_finite_is_null(tmp_path: Path) -> None:
    class Spoil(Callback):
        def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            pl_module.log("val/odd", math.inf)

    run = _fit(tmp_path, Spoil())
    text = (run / "summary.json").read_text()
    assert json.loads(text)["last"]["metrics"]["val/odd"] is None
    assert "Infinity" not in text
    assert _rows(run)[0]["val/odd"] == "inf"


def test_metrics_have_one_row_an_epoch(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    rows = _rows(run)
    assert [(row["epoch"], row["step"]) for row in rows] == [("0", "6"), ("1", "12")]
    assert list(rows[0])[:3] == ["epoch", "step", "seconds"]
    for name, value in _summary(run)["last"]["metrics"].items():
        assert float(rows[-1][name]) == pytest.approx(value, rel=1e-5)


def test_rows_that_wait_for_another_program_end_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A spreadsheet on Windows keeps `metrics.csv` from being replaced, to the last epoch."""

    def write(path: Path, content: str) -> None:
        if run_is_going_on:
            raise FileInUse(f"{path}: could not be written (it is open)")
        write_atomically(path, content)

    class Closing(Callback):
        def on_train_end(self, *_: object) -> None:
            run_is_going_on.clear()

    run_is_going_on = ["yes"]
    monkeypatch.setattr("core.metric_rows.write_atomically", write)
    run = _fit(tmp_path, Closing())
    assert [row["epoch"] for row in _rows(run)] == ["0", "1"]
    assert _summary(run)["status"] == "finished"
    assert capsys.readouterr().out.count("metrics.csv: could not be written (it is open); close it") == 2


class LogsPlaces(Callback):
    """Logs values by the names of the columns that say when a row was measured."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for name in PLACES:
            pl_module.log(name, -1.0)


def test_a_value_that_a_module_logs_as_step_leaves_the_rows_place(tmp_path: Path) -> None:
    (row,) = _rows(_fit(tmp_path, LogsPlaces(), max_epochs=1))
    assert (row["epoch"], row["step"]) == ("0", "6")
    assert float(row["seconds"]) >= 0
    assert list(row)[:3] == list(PLACES)


def test_without_validation_there_are_no_columns_for_it(tmp_path: Path) -> None:
    assert list(_rows(_fit(tmp_path, val_size=0))[0]) == ["epoch", "step", "seconds", "lr", "train/loss", "train/acc"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("a mistake"), "failed"),
        (RunFailed("no space left"), "failed"),
        (RunInterrupted(signal.SIGTERM), "interrupted"),
    ],
)
def test_the_status_says_how_a_run_ended(error: Exception, status: str, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        _fit(tmp_path, RaiseAt(8, error))
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    summary = _summary(run)
    assert summary["interrupted"] is True
    assert (summary["status"], summary["epochs"], summary["steps"]) == (status, 1, 8)
    assert summary["ended"] is not None
    assert len(_rows(run)) == 1


@pytest.mark.filterwarnings("ignore:.*was None:UserWarning")
def test_a_batch_that_is_none_is_no_step(tmp_path: Path) -> None:
    """A run whose first step fails leaves nothing behind, whatever its loader gave before."""

    class Failing(VGG):
        def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor:
            raise ValueError("a wrong size")

    with pytest.raises(ValueError, match="a wrong size"):
        tiny_trainer(tmp_path).fit(Failing(5, image_size=16, widths=[8], convolutions=[1]), Gaps())
    assert not list((tmp_path / "runs").rglob("summary.json"))


def test_ctrl_c_that_acts_at_once_is_an_interruption(tmp_path: Path) -> None:
    """Lightning turns a KeyboardInterrupt into an exit."""
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        _fit(tmp_path, RaiseAt(8, KeyboardInterrupt()))
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    assert _summary(run)["status"] == "interrupted"


class RaiseAtOnce(Callback):
    """Ends a fit before its first step."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_train_batch_start(self, *_: object) -> None:
        raise self.error


def _record(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("config.yaml", "metrics.csv", "summary.json")}


@pytest.mark.parametrize("error", [RuntimeError("a mistake"), RunFailed("no space left"), KeyboardInterrupt()])
def test_a_fit_that_fails_before_its_first_step_leaves_the_run_as_it_was(error: Exception, tmp_path: Path) -> None:
    run = _fit(tmp_path)
    before = _record(run)
    with pytest.raises((type(error), SystemExit)):
        _fit(tmp_path, RaiseAtOnce(error), run=run, ckpt_path=run / "checkpoints" / "last.ckpt", max_epochs=3)
    assert _record(run) == before
    _fit(tmp_path, run=run, ckpt_path=run / "checkpoints" / "last.ckpt", max_epochs=3)
    assert (_summary(run)["status"], _summary(run)["epochs"], len(_rows(run))) == ("finished", 3, 3)


@pytest.mark.parametrize("error", [None, Diverged("")])
def test_a_run_keeps_all_rows_until_its_last_checkpoint_is_the_one_that_it_goes_back_to(
    error: Exception | None, tmp_path: Path
) -> None:
    """A kill before the first step lost the rows of epochs that are in the last checkpoint."""
    run = _fit(tmp_path, RunCheckpoint("val/loss", "max"))  # the first epoch is best
    before, checkpoints = _record(run), run / "checkpoints"
    left: list[tuple[dict[str, bytes], int]] = []

    class Look(Callback):
        def on_train_batch_start(self, *_: object) -> None:
            left.append((_record(run), load_checkpoint(checkpoints / "last.ckpt")["optimizer_steps"]))
            if error is not None or len(left) == 2:
                raise error or KeyboardInterrupt

    with pytest.raises((Diverged, KeyboardInterrupt, SystemExit)):
        _fit(tmp_path, Look(), run=run, ckpt_path=checkpoints / "best.ckpt", max_epochs=3)
    assert left[0] == (before, 12)
    if error is not None:
        assert _record(run) == before | {"summary.json": _record(run)["summary.json"]}
        return
    assert left[1][1] == 6
    assert [row["step"] for row in _rows(run)] == ["6"]


def test_a_run_that_diverges_at_once_has_diverged(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    with pytest.raises(Diverged):
        _fit(tmp_path, RaiseAtOnce(Diverged("")), run=run, ckpt_path=run / "checkpoints" / "last.ckpt", max_epochs=3)
    assert _summary(run)["status"] == "diverged"


def test_a_second_fit_of_a_trainer_that_cannot_begin_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1)
    trainer.fit(tiny_vgg(), TinyDataModule())
    (run,) = (tmp_path / "runs" / "vgg").iterdir()
    before = _record(run)
    with pytest.raises(InputError, match="batch_size"):
        trainer.fit(tiny_vgg(), TinyDataModule(batch_size=1000))
    assert _record(run) == before


def test_a_run_says_that_it_is_running(tmp_path: Path) -> None:
    seen: list[tuple] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            summary = _summary(trainer.run_folder.path)
            seen.append((summary["status"], summary["epochs"], summary["ended"]))

    _fit(tmp_path, Look())
    assert seen == [("running", 0, None)] * 6 + [("running", 1, None)] * 6


def test_a_resumed_run_goes_through_the_rows_after_its_checkpoint_again(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    started = _summary(run)["started"]
    rows = figures_of(run / "metrics.csv")
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, seed=7)
    trainer.fit(tiny_vgg(), TinyDataModule())
    after_one = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    looked: list[int] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            looked.append(len(_rows(run)))

    _fit(tmp_path, Look(), run=run, ckpt_path=after_one)
    assert looked == [2] + [1] * 5, "after the first step"
    assert figures_of(run / "metrics.csv") == rows
    assert _summary(run)["started"] == started
    assert [session["step"] for session in _summary(run)["sessions"]] == [0, 6]
    assert _summary(run)["interrupted"] is False, "it was finished"
    assert _summary(run)["seconds"]["total"] >= _summary(run)["seconds"]["fit"]


def test_a_test_adds_its_figures_and_leaves_the_rest(tmp_path: Path) -> None:
    run = _fit(tmp_path)
    before = _summary(run)
    trainer = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    trainer.test(tiny_vgg(), TinyDataModule(), ckpt_path=run / "checkpoints" / "best.ckpt", verbose=False)
    after = _summary(run)
    (tested,) = after["tests"]
    assert set(tested["metrics"]) == {"test/acc", "test/loss"}
    assert (tested["epoch"], tested["step"]) == (before["best"]["epoch"], before["best"]["step"])
    assert {**after, "tests": []} == before


def test_summary_and_rows_are_readable_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text = Path.write_text

    def watched(path: Path, *args: object, **settings: object) -> int:
        assert path.name not in ("summary.json", "metrics.csv", "config.yaml"), "not written atomically"
        return write_text(path, *args, **settings)

    monkeypatch.setattr(Path, "write_text", watched)
    assert _summary(_fit(tmp_path))["status"] == "finished"


def _fit_plain(root: Path, model: LightningModule, data: PlainData, **settings: object) -> Path:
    trainer = tiny_trainer(root, logger=False, **settings)
    trainer.fit(model, datamodule=data)
    return trainer.run_folder.path


def test_a_module_and_data_of_another_package_are_recorded(tmp_path: Path) -> None:
    run = _fit_plain(tmp_path, PlainModule(), PlainData())
    summary = _summary(run)
    assert summary["data"] == {"name": "PlainData", "source": "tests.plain", "sizes": {"train": 40, "val": 16}}
    assert summary["model"] == {"class": "PlainModule", "parameters": 7, "trainable": 7}
    assert set(summary["last"]["metrics"]) == {"train_loss", "val_loss"}
    assert summary["samples_per_second"] > 0
    rows = _rows(run)
    assert [set(row) for row in rows] == [{"epoch", "step", "seconds", "lr", "train_loss", "val_loss"}] * 2
    assert float(rows[-1]["val_loss"]) == pytest.approx(summary["last"]["metrics"]["val_loss"], rel=1e-5)
    assert rows[0]["val_loss"] != rows[1]["val_loss"]
    assert (run / "curves.png").exists()


def test_an_epoch_without_validation_has_no_validation_of_another(tmp_path: Path) -> None:
    run = _fit_plain(tmp_path, PlainModule(), PlainData(), max_epochs=3, check_val_every_n_epoch=2)
    assert [bool(row["val_loss"]) for row in _rows(run)] == [False, True, False]
    assert _summary(run)["data"]["sizes"] == {"train": 40, "val": 16}


class LogsInEveryOtherEpoch(Callback):
    """Logs a value in every other epoch."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch % 2 == 0:
            pl_module.log("now_and_then", float(trainer.current_epoch))


def test_an_epoch_has_no_value_that_only_an_earlier_one_logged(tmp_path: Path) -> None:
    run = _fit(tmp_path, LogsInEveryOtherEpoch(), max_epochs=4)
    assert [row["now_and_then"] for row in _rows(run)] == ["0", "", "2", ""]
    assert "now_and_then" not in _summary(run)["last"]["metrics"]


@pytest.mark.parametrize("returns", [True, False])
def test_several_optimizers_have_a_learning_rate_each(returns: bool, tmp_path: Path) -> None:
    run = _fit_plain(tmp_path, PlainPlayers(returns), PlainData(endless=True))
    rows = _rows(run)
    assert [row["step"] for row in rows] == ["5", "10"]
    assert {name: row for name, row in rows[0].items() if name.startswith("lr")} == {"lr/0": "0.01", "lr/1": "0.1"}
    assert {"loss_first", "loss_second", "val_loss"} < set(rows[0])
    assert _summary(run)["data"]["sizes"] == {"val": 16}, "a stream has no length"


def test_a_test_of_another_packages_module_adds_its_figures(tmp_path: Path) -> None:
    run = _fit_plain(tmp_path, PlainModule(), PlainData(), max_epochs=1)
    trainer = tiny_trainer(tmp_path, logger=False, run_folder=RunFolder(run))
    trainer.test(PlainModule(), PlainData(), verbose=False)
    assert [(test["checkpoint"], set(test["metrics"])) for test in _summary(run)["tests"]] == [(None, {"test_loss"})]
    assert {path.name for path in run.glob("*.png")} == {"curves.png"}


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_point_of_the_curve_is_a_batchs_loss_however_many_batches_a_step_takes(batches: int, tmp_path: Path) -> None:
    class Three(PlainModule):
        def _loss(self, batch: list[Tensor]) -> Tensor:
            return 3 + 0 * super()._loss(batch)

    class Points(CSVLogger):
        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            points.extend(value for name, value in metrics.items() if name == "train/loss_step")

    points: list[float] = []
    settings = {"accumulate_grad_batches": batches, "log_every_n_steps": 1, "max_epochs": 1}
    tiny_trainer(tmp_path, logger=Points(tmp_path), **settings).fit(Three(), PlainData())
    assert points == [3.0] * math.ceil(5 / batches)


def test_a_second_fit_of_a_trainer_is_not_counted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("callbacks.record.time", SimpleNamespace(monotonic=lambda: clock.now))

    class Tick(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            clock.now += 1

    trainer, model = tiny_trainer(tmp_path, logger=False, max_epochs=1, callbacks=[Tick()]), tiny_vgg()
    for epochs in (1, 2):
        trainer.fit_loop.max_epochs = epochs
        trainer.fit(model, TinyDataModule())
        summary = _summary(trainer.run_folder.path)
        assert summary["seconds"] == {"total": 6.0 * epochs, "fit": 6.0 * epochs}
        assert summary["samples_per_second"] == 40.0
    clock.now += 100
    trainer.fit(model, TinyDataModule())
    assert _summary(trainer.run_folder.path) == summary, "nothing was left to do"


def test_seconds_until_a_save_within_an_epoch_count_for_a_run_that_is_killed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("callbacks.record.time", SimpleNamespace(monotonic=lambda: clock.now))
    killed = tmp_path / "killed"

    class Tick(Callback):
        def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
            clock.now += 1
            if trainer.optimizer_steps == 5 and not killed.exists():
                shutil.copytree(trainer.run_folder.path, killed)

    _fit(tmp_path, RunCheckpoint(every_n_train_steps=4), Tick(), max_epochs=1)
    assert (_summary(killed)["steps"], _summary(killed)["seconds"]) == (4, {"total": 4.0, "fit": 4.0})
    _fit(tmp_path, Tick(), run=killed, ckpt_path=killed / "checkpoints" / "last.ckpt", max_epochs=1)
    assert _summary(killed)["seconds"] == {"total": 6.0, "fit": 6.0}
    assert float(_rows(killed)[-1]["seconds"]) == 6.0


def test_a_test_that_fails_leaves_the_run_as_it_ended(tmp_path: Path) -> None:
    class Fails(Callback):
        def on_test_start(self, *_: object) -> None:
            raise RuntimeError("broken")

    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1, callbacks=[Fails()])
    trainer.fit(tiny_vgg(), TinyDataModule())
    before = _summary(trainer.run_folder.path)
    with pytest.raises(RuntimeError, match="broken"):
        trainer.test(datamodule=TinyDataModule(), verbose=False)
    assert _summary(trainer.run_folder.path) == before


def test_what_lightning_adds_to_a_name_is_left_out() -> None:
    logged = {"loss": 1, "loss_step": 2, "loss_epoch": 1, "time_step": 3}
    assert without_copies(logged) == {"loss": 1, "time_step": 3}
    logged = {"loss/dataloader_idx_0": 1, "loss_epoch/dataloader_idx_0": 1, "loss_epoch/dataloader_idx_1": 2}
    assert without_copies(logged) == {"loss/dataloader_idx_0": 1, "loss_epoch/dataloader_idx_1": 2}


def test_a_killed_runs_last_epoch_is_cut_to_its_checkpoint(tmp_path: Path) -> None:
    run = _fit(tmp_path, max_epochs=3)
    summary = _summary(run)
    (run / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
    seen: list[dict] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            seen.append(_summary(run))

    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, seed=7)
    trainer.fit(tiny_vgg(), TinyDataModule())
    first = trainer.run_folder.path
    _fit(tmp_path, Look(), run=run, ckpt_path=first / "checkpoints" / "last.ckpt", max_epochs=3)
    assert seen[0] == summary | {"status": "running"}, "until the first step is made"
    cut, whole = seen[1]["last"], _summary(first)["last"]
    assert (cut["epoch"], cut["step"]) == (0, 6)
    assert cut["metrics"] == pytest.approx(whole["metrics"], rel=1e-5)
    assert seen[1]["best"] == _summary(first)["best"]
    assert seen[1]["interrupted"] is True
    assert {name: _summary(run)[name] for name in ("last", "best", "seed")} == {
        name: summary[name] for name in ("last", "best", "seed")
    }
