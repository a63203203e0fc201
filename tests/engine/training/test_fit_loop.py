"""A run that makes very few optimizer steps says so once, unless that is what was asked for."""

from pathlib import Path
from signal import SIGTERM

import pytest
from pytorch_lightning.callbacks import Checkpoint

from callbacks import Record, RunCheckpoint
from core.errors import InputError, RunInterrupted
from tests.loggers import Told
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

NOTE = "optimizer steps in all, too few to learn much: try a smaller data.batch_size or more trainer.max_epochs\n"


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 12),
        ({"accumulate_grad_batches": 4}, 4),
        ({"max_epochs": 9}, None),
        ({"max_steps": 5}, None),
        ({"limit_train_batches": 2}, None),
        ({"limit_train_batches": 1}, None),
        ({"limit_train_batches": 0.5}, None),
        ({"overfit_batches": 1}, None),
        ({"fast_dev_run": True}, None),
    ],
)
def test_a_run_of_few_steps_says_so(
    options: dict, steps: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_trainer(tmp_path, **options).fit(tiny_vgg(), datamodule=TinyDataModule(source="auto"))
    said = capsys.readouterr().out
    assert said.count("optimizer steps in all") == (steps is not None)
    assert steps is None or f"note     this run makes {steps} {NOTE}" in said


def test_generated_data_and_a_run_that_goes_on_need_no_such_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tiny_trainer(tmp_path, max_epochs=1)
    first.fit(tiny_vgg(), datamodule=TinyDataModule())
    assert "optimizer steps in all" not in capsys.readouterr().out
    config = first.run_folder.path / "config.yaml"
    config.write_text(config.read_text().replace("source: synthetic", "source: auto"))
    more = tiny_trainer(tmp_path)
    more.fit(tiny_vgg(), datamodule=TinyDataModule(source="auto"), ckpt_path=first.run_folder.path)
    assert "optimizer steps in all" not in capsys.readouterr().out


class Pruned(Checkpoint):
    """Ends a run once its first epoch is saved."""

    def on_train_epoch_end(self, *_: object) -> None:
        raise RunInterrupted(SIGTERM)


class Figures(Told):
    """Notes what it is told of training."""

    def __init__(self) -> None:
        super().__init__()
        self.points: list[tuple[int, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        if "train_loss_epoch" in metrics:
            self.points.append((step, metrics["train_loss_epoch"]))


@pytest.mark.parametrize("monitor", [None, "nix"], ids=["pruned", "without a value"])
def test_loggers_get_the_epoch_with_which_a_run_ends(monitor: str | None, tmp_path: Path) -> None:
    """It is saved, and so never comes again."""
    figures = Figures()
    trainer = tiny_trainer(tmp_path, logger=figures, callbacks=[RunCheckpoint(monitor, "min")])
    if monitor is None:
        trainer.callbacks.append(Pruned())  # behind the save
    with pytest.raises((RunInterrupted, InputError)):
        trainer.fit(PlainModule(), datamodule=PlainData())
    recorded = trainer.builtin(Record).rows[-1]
    assert [(step, f"{value:.6g}") for step, value in figures.points] == [(5, recorded["train_loss"])]
