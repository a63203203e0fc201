"""The callbacks that every run has, and those of Lightning's that can be added."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
from pytorch_lightning import callbacks as lightning_callbacks

import callbacks
from callbacks import (
    EarlyStopping,
    HardSamples,
    NaNGuard,
    Progress,
    ProgressiveValidation,
    Record,
    RunCheckpoint,
    StepSeed,
)
from core.errors import InputError
from engine.runs.checkpoint_io import load_checkpoint
from engine.trainer import Trainer
from engine.training.python_runs import python_origin
from tests.plain import PlainData, PlainModule
from tests.tiny import tiny_trainer


def test_every_built_in_callback_is_there_once(tmp_path: Path) -> None:
    kinds = [type(callback) for callback in tiny_trainer(tmp_path).callbacks]
    offered = {getattr(callbacks, name) for name in callbacks.__all__}
    added = {HardSamples, ProgressiveValidation}  # by configs
    assert sorted(kinds, key=str) == sorted(offered - added, key=str)


class Own(pl.Callback):
    """A callback of the user's."""


def test_given_callbacks_come_on_top_and_replace_their_defaults(tmp_path: Path) -> None:
    """A list of callbacks once dropped what must always run."""
    own, stopping = Own(), EarlyStopping(patience=3)
    trainer = tiny_trainer(tmp_path, callbacks=[own, stopping])
    assert own in trainer.callbacks
    assert [c for c in trainer.callbacks if isinstance(c, EarlyStopping)] == [stopping]
    for kind in (NaNGuard, StepSeed, Record, RunCheckpoint):
        assert sum(isinstance(callback, kind) for callback in trainer.callbacks) == 1
    assert own in tiny_trainer(tmp_path, callbacks=own).callbacks


class OwnCheckpoint(RunCheckpoint):
    """A built-in callback as a user changes it."""

    def __init__(self, copies: int) -> None:
        super().__init__("val/loss")


class OwnProgress(Progress):
    """Another."""


def test_one_that_derives_from_a_built_in_callback_takes_its_place(tmp_path: Path) -> None:
    given = [OwnCheckpoint(2), OwnProgress()]
    trainer = tiny_trainer(tmp_path, callbacks=given)
    found = [one for one in trainer.callbacks if isinstance(one, RunCheckpoint | Progress)]
    assert found == given == [trainer.checkpoint_callback, trainer.builtin(Progress)]
    trainer.strategy._lightning_module, trainer.datamodule = PlainModule(), PlainData()
    origin = python_origin(trainer, None)
    assert any(name.endswith(".OwnCheckpoint") for name in origin.unknown)
    assert "copies" not in origin.settings["checkpoint"], "which the command would not know"


@pytest.mark.parametrize("given", [[], [RunCheckpoint(every_n_train_steps=2)]])
def test_checkpoints_are_saved_after_everything_else_was_noted(given: list[pl.Callback], tmp_path: Path) -> None:
    """A RunCheckpoint that was given once ran before Record, whose notes it then lacked."""
    trainer = tiny_trainer(tmp_path, callbacks=given)
    assert [type(callback) for callback in trainer.callbacks[-2:]] == [RunCheckpoint, Progress]
    assert trainer.checkpoint_callback is trainer.callbacks[-2]


# Every callback of Lightning's that acts in a run here; the others are refused.
ACTING: dict[str, dict] = {
    "Callback": {},
    "Checkpoint": {},
    "EMAWeightAveraging": {},
    "EarlyStopping": {"monitor": "val_loss"},
    "GradientAccumulationScheduler": {"scheduling": {0: 2}},
    "LambdaCallback": {},
    "LearningRateMonitor": {},
    "ModelCheckpoint": {},
    "ModelSummary": {},
    "SpikeDetection": {},
    "Timer": {"duration": "00:00:10:00"},
    "WeightAveraging": {},
}
REFUSED = {
    "BatchSizeFinder": {},
    "LearningRateFinder": {},
    "ModelPruning": {"pruning_fn": "l1_unstructured"},
    "OnExceptionCheckpoint": {"dirpath": "."},
    "ProgressBar": {},
    "StochasticWeightAveraging": {"swa_lrs": 0.1},
    "TQDMProgressBar": {},
}
# Those that a user derives from or gives what this test's module lacks, or that need packages which are not installed.
NOT_TRIED = {
    "BackboneFinetuning", "BaseFinetuning", "BasePredictionWriter", "DeviceStatsMonitor", "RichModelSummary",
    "RichProgressBar", "ThroughputMonitor",
}  # fmt: skip


def test_every_callback_of_lightnings_is_classed() -> None:
    assert {*ACTING, *REFUSED, *NOT_TRIED} == set(lightning_callbacks.__all__)


def _callback(name: str, settings: dict) -> pl.Callback:
    return getattr(lightning_callbacks, name)(**settings)


@pytest.mark.parametrize("name", REFUSED)
def test_a_callback_that_cannot_act_is_refused(name: str) -> None:
    """Averages reached no checkpoint, a search for a batch size ended the run before its first step."""
    with pytest.raises(InputError, match=f"--trainer.callbacks {name}: "):
        Trainer(accelerator="cpu", max_epochs=1, callbacks=_callback(name, REFUSED[name]))


def test_the_others_act_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = {"WeightAveraging"}  # beside EMAWeightAveraging
    added = [_callback(name, settings) for name, settings in ACTING.items() if name not in alone]
    logger = pl.loggers.CSVLogger(tmp_path / "logged")
    trainer = Trainer(accelerator="cpu", max_epochs=2, callbacks=added, logger=logger)
    trainer.fit(PlainModule(), PlainData())
    assert trainer.global_step == 2 * 3  # two batches a step
    assert "Trainable params" in capsys.readouterr().out
    assert len(list((tmp_path / "logged").rglob("epoch=*.ckpt"))) == 1
    assert "lr-Adam" in next((tmp_path / "logged").rglob("metrics.csv")).read_text()
    assert "current_model_state" in load_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")
