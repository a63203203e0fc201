"""What is said of a monitored value of which little is known, or which is never logged, and who decides by it."""

import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from callbacks import RunCheckpoint
from callbacks.monitored_value import unlogged_measures, values_of_one_process
from core.errors import InputError
from core.measures import Measure
from core.summary import read_summary
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.plain import PlainData, PlainModule
from tests.processes import finish, start_ranks
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

Command = Callable[..., tuple[int, str, str]]
MODELS, DATA = "tests.foreign.other_package.models.", "tests.foreign.other_package.data."
NET = ("--model", MODELS + "Net", "--data", DATA + "Pictures", "--trainer.accelerator", "cpu", "--run_dir", "run")
CHECKPOINT, STOPPING = ("--checkpoint.monitor", "val_accuracy"), ("--early_stopping.monitor", "val_accuracy")
PATIENCE = ("--early_stopping.patience", 1)
BETTER = "note     less of val_accuracy counts as better, since nothing says which is; "


def notes(output: str) -> list[str]:
    """Returns the lines on what counts as better."""
    return [line for line in output.splitlines() if "counts as better" in line]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (CHECKPOINT, [BETTER + "--checkpoint.mode max turns that"]),
        ((*STOPPING, *PATIENCE), [BETTER + "--early_stopping.mode max turns that"]),
        (
            (*CHECKPOINT, *STOPPING, *PATIENCE),
            [BETTER + "--checkpoint.mode max and --early_stopping.mode max turn that"],
        ),
        ((*CHECKPOINT, "--checkpoint.mode", "max"), []),
        ((*CHECKPOINT, "--checkpoint.mode", "min"), []),
        ((*STOPPING, *PATIENCE, "--early_stopping.mode", "max"), []),
        (STOPPING, []),  # which is off
        ((*CHECKPOINT, "--trainer.limit_val_batches", 0), []),  # the last is best
        (("--checkpoint.monitor", "last"), []),
        ((), []),
    ],
)
def test_what_is_assumed_of_a_value_is_said_once(words: tuple, said: list[str], command: Command) -> None:
    code, output, errors = command("fit", *NET, "--trainer.max_epochs", 1, *words)
    assert code == 0, errors
    assert notes(output) == said


def test_of_a_measure_it_is_known(config: Path, command: Command) -> None:
    watch = ("--checkpoint.monitor", "val/loss", *PATIENCE)
    code, output, errors = command("fit", "--config", config, "--trainer.max_epochs", 1, *watch)
    assert code == 0, errors
    assert notes(output) == []


WRONG = {
    "checkpoint": ("--checkpoint.monitor", "val_acc"),
    "early_stopping": (*PATIENCE, "--early_stopping.monitor", "val_acc"),
}


@pytest.mark.parametrize("within", [(), ("--trainer.val_check_interval", 2)], ids=["at the end", "within an epoch"])
@pytest.mark.parametrize("groups", [["checkpoint"], ["early_stopping"], [*WRONG]], ids="+".join)
def test_a_value_that_is_never_logged_is_refused_once_the_run_is_saved_and_goes_on(
    groups: list[str], within: tuple, command: Command
) -> None:
    """An epoch of many hours was once lost."""
    wrong = [word for group in groups for word in WRONG[group]]
    code, _, errors = command("fit", *NET, "--trainer.max_epochs", 3, *wrong, *within)
    assert code == 2
    assert errors.count("\n") == 1
    options = " ".join(f"--{group}.monitor NAME" for group in groups)
    assert f"error: --{groups[0]}.monitor val_acc: no such metric; there are " in errors
    assert errors.endswith(f"val_accuracy, val_loss; fit --ckpt_path run {options} goes on\n")
    assert (saved := last_step()) == (3 if within else 5)
    assert read_summary(Path("run/summary.json"))["status"] == "failed"

    words = [word for group in groups for word in (f"--{group}.monitor", "val_accuracy", f"--{group}.mode", "max")]
    words += ["--early_stopping.patience", 99] if "early_stopping" in groups else []  # else rounding decides
    code, output, errors = command("fit", "--ckpt_path", "run", *words)
    assert code == 0, errors
    assert f"resumed  at step {saved}" in output
    assert ("best val_accuracy" in output) == ("checkpoint" in groups)
    summary = read_summary(Path("run/summary.json"))
    assert (summary["status"], summary["steps"]) == ("finished", 15)
    assert Path("run/checkpoints/best.ckpt").exists()


def test_the_way_on_is_exact(command: Command, tmp_path: Path) -> None:
    interval = ("--trainer.val_check_interval", 2, "--trainer.max_epochs", 2)
    for name, monitor in (("whole", "val_loss"), ("run", "val_los")):
        words = [tmp_path / name if word == "run" else word for word in NET]
        code, _, errors = command("fit", *words, *interval, "--checkpoint.monitor", monitor)
        assert code == (2 if name == "run" else 0), errors
    code, _, errors = command("fit", "--ckpt_path", "run", "--checkpoint.monitor", "val_loss")
    assert code == 0, errors
    whole, resumed = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "run")
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_where_nothing_is_saved_no_way_on_is_told(command: Command) -> None:
    for trial in ("--trainer.fast_dev_run=2", "--trainer.enable_checkpointing=false"):
        code, _, errors = command("fit", *NET, "--trainer.max_epochs", 2, *WRONG["checkpoint"], trial)
        assert code == 2
        assert errors.endswith("val_accuracy, val_loss\n")


def test_a_notebook_is_told_how_it_goes_on(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[RunCheckpoint("val_los")])
    with pytest.raises(InputError, match=r"val_los: no such metric; there are .*; a new Trainer that monitors one"):
        trainer.fit(PlainModule(), PlainData())
    again = tiny_trainer(tmp_path, logger=False, callbacks=[RunCheckpoint("val_loss")])
    again.fit(PlainModule(), PlainData(), ckpt_path=trainer.run_folder.path)
    assert again.optimizer_steps == 10
    assert again.checkpoint_callback.best_epoch == 1


class LogsOnTheFirst(PlainModule):
    """A module that logs its validation on the first process alone."""

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss."""
        loss = self._loss(batch)
        if self.global_rank == 0:
            self.log("val_loss", loss, rank_zero_only=True)


@pytest.mark.skipif(sys.platform != "linux", reason="forks processes")
@pytest.mark.parametrize("monitor", ["val_loss", "val_los"])
def test_of_two_processes_the_first_decides(monitor: str) -> None:
    watch = ("--checkpoint.monitor", monitor, "--early_stopping.monitor", monitor, "--early_stopping.patience", 9)
    two = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu")
    model = ("--model", f"{__name__}.LogsOnTheFirst", "--data", "tests.plain.PlainData", "--run_dir", "run")
    code, output = finish(start_ranks("fit", *model, *two, "--trainer.max_epochs", 2, *watch), within=60)
    assert code == (0 if monitor == "val_loss" else 2), output
    assert output.count(
        "note     train_loss, val_loss are of one of 2 processes; self.log(..., sync_dist=True) takes all\n"
    ) == (monitor == "val_loss")
    assert ("best val_loss" in output) == (monitor == "val_loss")
    assert ("val_los: no such metric; there are train_loss" in output) == (monitor == "val_los")
    assert output.count("error: ") == (monitor == "val_los"), "once, though both end with it"
    assert last_step() == (6 if monitor == "val_loss" else 3)


def last_step() -> int:
    """Returns the step of the run's latest checkpoint."""
    return torch.load("run/checkpoints/last.ckpt", weights_only=True)["global_step"]


class Listing(PlainModule):
    """A module of a user's that lists two measures, and logs one of them."""

    __module__ = "somebodys"
    measures = (Measure("loss", "min"), Measure("ece", "min"))


def test_a_measure_of_a_users_class_that_is_never_logged_is_said() -> None:
    said = "Listing.measures lists ece, which neither training nor validation logs"
    assert unlogged_measures(Listing(), {"train/loss", "val/other"}) == said
    assert unlogged_measures(Listing(), {"train/loss", "val/ece"}) is None


def test_what_a_class_of_this_project_lists_may_be_left_out() -> None:
    """Such as what a judge measures, where none is given."""
    own = type("Own", (VGG,), {"__module__": "somebodys"})
    assert unlogged_measures(tiny_vgg(), {"train/loss"}) is None
    assert unlogged_measures(own.__new__(own), ()) is None


def test_the_note_on_a_measure_follows_the_first_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("callbacks.progress.unlogged_measures", lambda module, logged: ",".join(sorted(logged)))
    tiny_trainer(tmp_path).fit(PlainModule(), datamodule=PlainData())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("note     train_loss")] == ["note     train_loss,val_loss"]


class LogsOfAll(PlainModule):
    """A module that logs what is of all processes but for one value."""

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss."""
        with mock.patch.object(type(self.trainer._accelerator_connector), "is_distributed", True):
            self.log("val_loss", self._loss(batch), sync_dist=True)
        self.log("val_other", self._loss(batch))

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss."""
        with mock.patch.object(type(self.trainer._accelerator_connector), "is_distributed", True):
            self.log("test_loss", self._loss(batch), sync_dist=True)


def test_figures_of_one_process_are_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("callbacks.progress.values_of_one_process", as_of_two)
    trainer = tiny_trainer(tmp_path, check_val_every_n_epoch=2, max_epochs=4)
    trainer.fit(LogsOfAll(), datamodule=PlainData())
    assert said(capsys) == ["train_loss is", "val_other is"]
    trainer.validate(LogsOfAll(), datamodule=PlainData())
    trainer.test(LogsOfAll(), datamodule=PlainData())
    assert said(capsys) == []
    other = tiny_trainer(tmp_path)
    other.validate(PlainModule(), datamodule=PlainData())
    assert said(capsys) == ["val_loss is"]
    other.test(PlainModule(), datamodule=PlainData())
    assert said(capsys) == ["test_loss is"]


def test_a_task_adds_up_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("callbacks.progress.values_of_one_process", as_of_two)
    tiny_trainer(tmp_path, max_epochs=1).fit(tiny_vgg(), datamodule=TinyDataModule())
    assert said(capsys) == []


def as_of_two(trainer: Trainer, pl_module: LightningModule) -> set[str]:
    """Returns which figures were of one process, were there two."""
    with mock.patch.object(Trainer, "world_size", 2):
        return values_of_one_process(trainer, pl_module)


def said(capsys: pytest.CaptureFixture) -> list[str]:
    """Returns what the notes on such figures name."""
    lines = capsys.readouterr().out.splitlines()
    notes = [line for line in lines if line.endswith("self.log(..., sync_dist=True) takes all")]
    return [note.removeprefix("note     ").partition(" of one of ")[0] for note in notes]
