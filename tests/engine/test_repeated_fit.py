"""A trainer whose fit was interrupted goes on with its run when it fits again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from core.errors import InputError, RunInterrupted
from core.metric_rows import MetricRows
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class EndsOnce(Callback):
    """Ends a fit after a step, once.

    Args:
        step: The step.
        error: The error that ends it; Ctrl-C if there is none.
    """

    def __init__(self, step: int, error: Exception | None = None) -> None:
        self.step, self.error = step, error

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Ends it."""
        if trainer.global_step == self.step:
            self.step = 0
            if self.error is not None:
                raise self.error
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _interrupts() -> Iterator[None]:
    """Ctrl-C as a notebook has it, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def rows(trainer: Trainer) -> list[dict[str, str]]:
    """Returns the rows of a run without their seconds."""
    table = MetricRows()
    table.read(trainer.run_folder.path)
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table.rows]


def check_same_run(trainer: Trainer, model: VGG, folder: Path) -> None:
    """Checks that a run has become what the same run becomes without an interruption."""
    whole, uninterrupted = tiny_trainer(folder / "whole"), tiny_vgg()
    whole.fit(uninterrupted, TinyDataModule())
    assert trainer.optimizer_steps == whole.optimizer_steps == 12
    assert rows(trainer) == rows(whole)
    state = model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in uninterrupted.state_dict().items())


@pytest.mark.parametrize("new_model", [False, True])
@pytest.mark.parametrize("step", [3, 6, 8])
def test_the_same_call_after_an_interrupt_goes_on_with_the_same_bits(
    step: int, new_model: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an interrupt within an epoch it once repeated batches, and after one at its end the optimizer was new."""
    trainer, model, data = tiny_trainer(tmp_path, callbacks=[EndsOnce(step)]), tiny_vgg(), TinyDataModule()
    with pytest.raises(RunInterrupted):
        trainer.fit(model, data)
    run = trainer.run_folder.path
    model = tiny_vgg() if new_model else model
    trainer.fit(model, data)
    assert trainer.run_folder.path == run
    assert f"resumed  at step {step}, epoch {step // 6}" in capsys.readouterr().out
    check_same_run(trainer, model, tmp_path)
    capsys.readouterr()
    trainer.fit(model, data)
    assert capsys.readouterr().out.startswith("nothing is left to do: 2 epochs are trained")


def test_another_model_does_not_go_on_with_the_run(tmp_path: Path) -> None:
    trainer, data = tiny_trainer(tmp_path, callbacks=[EndsOnce(3)]), TinyDataModule()
    with pytest.raises(RunInterrupted, match="and this one by the same call"):
        trainer.fit(tiny_vgg(), data)
    with pytest.raises(InputError, match="this model is another than the run's; a new Trainer trains it"):
        trainer.fit(tiny_vgg(dropout=0.4), data)


def test_the_same_call_after_an_error_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    trainer, model = tiny_trainer(tmp_path, callbacks=[EndsOnce(8, ZeroDivisionError())]), tiny_vgg()
    with pytest.raises(ZeroDivisionError):
        trainer.fit(model, TinyDataModule())
    trainer.fit(model, TinyDataModule())
    check_same_run(trainer, model, tmp_path)


def test_a_run_without_a_checkpoint_does_not_go_on_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    for options in ({"callbacks": [EndsOnce(3, ZeroDivisionError())]}, {"enable_checkpointing": False}):
        trainer = tiny_trainer(tmp_path, **{"callbacks": [EndsOnce(3)]} | options)
        with pytest.raises((ZeroDivisionError, RunInterrupted)):
            trainer.fit(tiny_vgg(), TinyDataModule())
        for _ in range(2):
            with pytest.raises(InputError, match=r"ended at step 3, before its run was over; .* a new Trainer begins"):
                trainer.fit(tiny_vgg(), TinyDataModule())


class Fails(VGG):
    """A network with a mistake."""

    def training_step(self, *_: object) -> None:
        """Fails."""
        raise ZeroDivisionError


def test_a_fit_that_failed_before_its_first_step_can_be_repeated(tmp_path: Path) -> None:
    trainer, model = tiny_trainer(tmp_path), tiny_vgg()
    with pytest.raises(InputError, match="ZeroDivisionError"):
        trainer.fit(Fails(num_classes=5, image_size=16, widths=[8], convolutions=[1]), TinyDataModule())
    trainer.fit(model, TinyDataModule())
    check_same_run(trainer, model, tmp_path)


def test_a_fit_that_took_up_another_run_and_failed_begins_no_run_in_the_middle_of_it(tmp_path: Path) -> None:
    model, first = tiny_vgg(), tiny_trainer(tmp_path, max_epochs=1)
    first.fit(model, TinyDataModule())
    trainer, run = tiny_trainer(tmp_path), first.run_folder.path
    model.training_step = Fails.training_step
    with pytest.raises((InputError, ZeroDivisionError)):
        trainer.fit(model, TinyDataModule(), ckpt_path=run)
    del model.training_step
    with pytest.raises(InputError, match="ended at step 6, before its run was over; give its ckpt_path again"):
        trainer.fit(model, TinyDataModule())
    trainer.fit(model, TinyDataModule(), ckpt_path=run)
    assert trainer.optimizer_steps == 12


def test_a_finished_run_without_checkpoints_is_not_said_to_be_cut(tmp_path: Path) -> None:
    trainer, model = tiny_trainer(tmp_path, max_epochs=1, enable_checkpointing=False), tiny_vgg()
    trainer.fit(model, TinyDataModule())
    trainer.fit_loop.max_epochs = 2
    model.training_step = Fails.training_step
    with pytest.raises((InputError, ZeroDivisionError)):
        trainer.fit(model, TinyDataModule())
    del model.training_step
    trainer.fit(model, TinyDataModule())
    assert trainer.optimizer_steps == 12
