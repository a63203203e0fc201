"""A value that only some validations log decides alike in a run that is interrupted and in one that is not."""

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from torch.utils.data import DataLoader

from callbacks import EarlyStopping, LoggedValues, Record, RunCheckpoint
from engine.runs.checkpoint_io import load_checkpoint
from engine.trainer import Trainer
from tests.interruptions import PulledPlug, PullPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import tiny_trainer

F1 = {0: 0.1, 2: 0.3, 4: 0.2}  # by epoch


class Seldom(PlainModule):
    """Logs an expensive figure in every other epoch's validation."""

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss, and the figure."""
        super().validation_step(batch, batch_idx)
        if self.current_epoch in F1:
            self.log("f1", F1[self.current_epoch])


def _fit(
    root: Path, epochs: int, ckpt_path: Path | None = None, patience: int | None = None, **settings: Any
) -> Trainer:
    callbacks = [RunCheckpoint("f1", "max"), EarlyStopping(patience, "f1", "max"), *settings.pop("callbacks", [])]
    trainer = tiny_trainer(root, max_epochs=epochs, callbacks=callbacks, **settings)
    trainer.fit(Seldom(), PlainData(), ckpt_path=ckpt_path)
    return trainer


@pytest.mark.parametrize("settings", [{}, {"val_check_interval": 2}], ids=["at the end", "within an epoch"])
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_resumed_run_chooses_as_an_uninterrupted_one(epochs: int, settings: dict, tmp_path: Path) -> None:
    """It was refused, as though the value were never logged."""
    whole = _fit(tmp_path / "whole", 5, **settings)
    part = _fit(tmp_path / "part", epochs, **settings)
    resumed = _fit(tmp_path / "part", 5, part.run_folder.path, **settings)
    assert whole.checkpoint_callback.best_epoch == resumed.checkpoint_callback.best_epoch == 2
    assert whole.checkpoint_callback.best_score == resumed.checkpoint_callback.best_score == pytest.approx(0.3)


@pytest.mark.parametrize("settings", [{}, {"val_check_interval": 2}], ids=["at the end", "within an epoch"])
def test_a_validation_without_the_value_is_none_without_improvement(settings: dict, tmp_path: Path) -> None:
    """The value of the epoch before counted once more, and stopped the run."""
    trainer = _fit(tmp_path, 8, patience=len(settings) + 1, **settings)
    assert trainer.current_epoch == 5
    assert "f1 has not improved" in trainer.builtin(EarlyStopping).reason


def test_what_is_logged_by_epochs_is_known_after_a_resume(tmp_path: Path) -> None:
    with pytest.raises(PulledPlug):
        _fit(tmp_path, 4, callbacks=[PullPlug(11)])
    (last,) = tmp_path.rglob("last.ckpt")
    kept = load_checkpoint(last)
    assert kept["of_validations"] == ["f1", "val_loss"]
    assert {"f1", "val_loss", "train_loss_epoch"} <= kept["logged_values"].keys()
    trainer = _fit(tmp_path, 4, last)
    assert trainer.builtin(LoggedValues).latest(trainer, "f1") == pytest.approx(0.3)
    assert trainer.builtin(LoggedValues).is_left_out(trainer, "f1")
    assert not trainer.builtin(LoggedValues).is_left_out(trainer, "train_loss_epoch")


class TwoLoaders(PlainData):
    """Validates on two loaders."""

    def val_dataloader(self) -> list[DataLoader]:
        """Returns two batches, and one."""
        return [self._loader(16), self._loader(8)]


class OnTwoLoaders(PlainModule):
    """Logs the loss of each loader, by step and by epoch, and a figure of the whole validation."""

    def validation_step(self, batch: list[Tensor], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Logs the loss."""
        self.log("val_loss", self._loss(batch), on_step=True, on_epoch=True)

    def on_validation_epoch_end(self) -> None:
        """Logs the figure."""
        self.log("epoch_number", float(self.current_epoch))


def test_the_figures_of_several_loaders_are_of_their_validation(tmp_path: Path) -> None:
    """An epoch without validation had those of the one before."""
    names = {"val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1", "epoch_number"}
    checkpoint = RunCheckpoint("val_loss/dataloader_idx_1", "min")
    settings = {"max_epochs": 3, "check_val_every_n_epoch": 2, "logger": False}
    trainer = tiny_trainer(tmp_path, callbacks=[checkpoint], **settings)
    trainer.fit(OnTwoLoaders(), TwoLoaders())
    rows = trainer.builtin(Record).rows
    assert [{name for name in row if name in names} for row in rows] == [set(), names, set()]
    assert set(checkpoint.best["metrics"]) == names
    assert rows[1]["val_loss/dataloader_idx_0"] != rows[1]["val_loss/dataloader_idx_1"]


class AtFirst(PlainModule):
    """Logs a figure in the first validation of an epoch alone."""

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Logs the loss, and the figure."""
        super().validation_step(batch, batch_idx)
        if self.global_step == 2:
            self.log("at_first", 1.0)


def test_a_resume_within_an_epoch_keeps_the_rows_of_validations_that_logged_more(tmp_path: Path) -> None:
    settings = {"max_epochs": 1, "val_check_interval": 2, "logger": False}
    part = tiny_trainer(tmp_path, callbacks=[PullPlug(5)], **settings)
    with pytest.raises(PulledPlug):
        part.fit(AtFirst(), PlainData())
    again = tiny_trainer(tmp_path, run_folder=part.run_folder, **settings)
    again.fit(AtFirst(), PlainData(), ckpt_path=part.run_folder.path / "checkpoints" / "best.ckpt")
    rows = again.builtin(Record).rows
    assert [row["step"] for row in rows] == ["2", "4", "5"]
    assert rows[0]["at_first"] == "1"
