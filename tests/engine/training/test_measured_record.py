"""A trainer that has trained a run measures other models, other data and other runs, and each record has its own."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.summary import figures, read_summary
from engine.trainer import Trainer
from lightning_modules import CharRNN
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus

BLOCKS, PARTS = {"test": "tests", "validate": "validations"}, {"test": "test", "validate": "val"}


def measured(run: Path, call: str) -> list[tuple[str | None, float]]:
    """Returns checkpoint and loss of the measurements in a run's record."""
    entries = read_summary(run / "summary.json")[BLOCKS[call]]
    return [(entry["checkpoint"], entry["metrics"][f"{PARTS[call]}/loss"]) for entry in entries]


@pytest.fixture
def fitted(tmp_path: Path) -> Callable[..., tuple[Trainer, Any, TinyDataModule]]:
    """Trains a run of one epoch."""

    def fit(name: str = "run", **settings: Any) -> tuple[Trainer, Any, TinyDataModule]:
        trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, run_name=name, **settings)
        model, data = tiny_vgg(), TinyDataModule()
        trainer.fit(model, data)
        return trainer, model, data

    return fit


@pytest.mark.parametrize("call", BLOCKS)
def test_a_model_that_the_trainer_has_not_trained_is_not_in_its_record(
    call: str, fitted: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, model, data = fitted()
    run = trainer.run_folder.path
    getattr(trainer, call)(tiny_vgg(), data, verbose=False)
    assert measured(run, call) == []
    assert re.search("note     not recorded in .*, which is of another model\n", capsys.readouterr().out)
    assert trainer.run_folder.path == run
    getattr(trainer, call)(model, data, verbose=False)
    getattr(trainer, call)(tiny_vgg(), TinyDataModule(), ckpt_path="last", verbose=False)
    assert [name for name, _ in measured(run, call)] == ["best.ckpt", "last.ckpt"]
    getattr(trainer, call)(tiny_vgg(dropout=0.5), data, ckpt_path="last", verbose=False)
    assert len(measured(run, call)) == 2
    assert "which has another model.dropout" in capsys.readouterr().out


def test_loaders_are_not_the_data_module_of_the_fit_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer, model, data = tiny_trainer(tmp_path, max_epochs=1, logger=False), PlainModule(), PlainData()
    trainer.fit(model, data)
    trainer.test(model, dataloaders=data.test_dataloader(), verbose=False)
    assert "which is of a data module, not of loaders" in capsys.readouterr().out
    trainer.test(model, data, verbose=False)
    assert len(read_summary(trainer.run_folder.path / "summary.json")["tests"]) == 1


@pytest.mark.parametrize("call", BLOCKS)
def test_a_run_that_another_trainer_has_made_has_its_own_figures(call: str, fitted: Callable[..., Any]) -> None:
    first, second = fitted("first", seed=1)[0].run_folder.path, fitted("second", seed=2)
    trainer, model, data = second
    getattr(trainer, call)(model, data, verbose=False)
    before = read_summary(trainer.run_folder.path / "summary.json")
    for named in (first, first / "checkpoints" / "last.ckpt"):
        (found,) = getattr(trainer, call)(model, data, ckpt_path=named, verbose=False)
    assert read_summary(trainer.run_folder.path / "summary.json") == before
    assert [name for name, _ in measured(first, call)] == ["best.ckpt", "last.ckpt"]
    assert measured(first, call)[-1][1] == pytest.approx(found[f"{PARTS[call]}/loss"])
    trainer.test(model, data, verbose=False)
    assert "test/loss" in figures(read_summary(trainer.run_folder.path / "summary.json"))


def test_other_data_is_not_in_the_record(fitted: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    trainer, model, _ = fitted()
    trainer.test(model, TinyDataModule(eval_batch_size=10), verbose=False)
    assert len(measured(trainer.run_folder.path, "test")) == 1
    trainer.test(model, TinyDataModule(val_size=20), verbose=False)
    assert len(measured(trainer.run_folder.path, "test")) == 1
    assert "which has another data.val_size" in capsys.readouterr().out


def test_a_run_without_checkpoints_has_what_is_measured_of_its_weights(fitted: Callable[..., Any]) -> None:
    trainer, model, data = fitted(enable_checkpointing=False)
    trainer.test(model, data, verbose=False)
    assert [name for name, _ in measured(trainer.run_folder.path, "test")] == [None]


def test_a_measurement_with_the_runs_own_vocabulary_is_recorded(tmp_path: Path) -> None:
    """A message tells the user to name it where a text has other symbols by now."""
    trainer = tiny_trainer(tmp_path, max_steps=1, logger=False)
    data = TinyCorpus()
    data.load_once()
    trainer.fit(CharRNN(len(data.symbols), hidden=4), data)
    run = trainer.run_folder.path
    data = TinyCorpus(vocabulary=str(run / "vocabulary.json"))
    tiny_trainer(tmp_path).validate(CharRNN(len(data.symbols), hidden=4), data, ckpt_path=run, verbose=False)
    assert len(read_summary(run / "summary.json")["validations"]) == 1
