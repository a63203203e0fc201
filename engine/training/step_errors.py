"""Errors of a model's steps on its data, and data that is not there, in one line each."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.description import name_of_data
from core.code.error_places import shown_where
from core.errors import InputError, OneLine, RunFailed, in_one_line
from core.protocols.general import ShrinksSamples
from datamodules.foreign_batches import describe_batch

STEPS = ("training_step", "validation_step", "test_step", "predict_step")
UNLOGGED = re.compile(r"(\w+) conditioned on metric (.+?) which is not available")  # as Lightning says it
PART_OF_STAGE = {"validate": "val", "test": "test", "predict": "predict"}  # as settings name the part


@contextmanager
def faults_in_one_line(trainer: Trainer) -> Iterator[None]:
    """Says which batch a model's step cannot take, where its code fails on one before the run has made a step.

    Raises:
        InputError: A step has failed before any training, Lightning cannot make a loader anew, or a schedule waits for
            a value that is never logged.
        RunFailed: A step has failed in an evaluation within a fit.
    """
    try:
        yield
    except Exception as error:
        _refuse_by_position(trainer, error)
        _refuse_unlogged(trainer, error)
        is_other = isinstance(error, OneLine | MisconfigurationException | torch.OutOfMemoryError)
        failed = None if is_other else _failed_step(error)
        if failed is None or (failed[1] == "training_step" and trainer.global_step):
            raise
        model, step, batch = failed
        data = "its loader" if trainer.datamodule is None else type(trainer.datamodule).__name__
        reason = in_one_line(error)
        if step == "training_step" and isinstance(trainer.datamodule, ShrinksSamples):
            option = trainer.datamodule.shrunk_by()
            reason += f"; {option} has made them smaller" if option else ""
        line = (
            f"{type(model).__name__}.{step} fails on a batch of {data}, {describe_batch(batch)}: {reason}; the two do "
            f"not fit together, or the step has a fault {shown_where(error)}"
        )
        raise (RunFailed if trainer.global_step and trainer.state.fn == "fit" else InputError)(line) from error


def check_measured(trainer: Trainer) -> None:
    """Checks after a stage that it had data: Lightning skips it without a word where there is none.

    Raises:
        InputError: There was nothing to measure.
    """
    part = PART_OF_STAGE.get(stage := trainer.state.fn.value)
    if part is None or not getattr(trainer, f"{stage}_loop").skip:
        return
    if getattr(trainer, setting := f"limit_{part}_batches") == 0:
        raise InputError(f"--trainer.{setting} 0: leaves nothing to {stage}")
    where = "" if trainer.datamodule is None else f" in {name_of_data(trainer.datamodule)}"
    raise InputError(f"{stage}: there is no {'validation' if part == 'val' else part} data{where}")


def _refuse_by_position(trainer: Trainer, error: Exception) -> None:
    """Refuses a loader to which an argument was given by position, where Lightning gives it once more by its name.

    Raises:
        InputError: This is what the error says.
    """
    given = re.search(r"(\w+)\.__init__\(\) got multiple values for argument '(\w+)'", str(error.__cause__))
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    remade = next((frame for frame in frames if frame.f_code.co_name == "_update_dataloader"), None)
    if given is None or remade is None:
        return
    owner, part = trainer.datamodule or trainer.lightning_module, remade.f_locals["mode"].dataloader_prefix
    loader, argument = given.groups()
    raise InputError(
        f"{type(owner).__name__}.{part}_dataloader: Lightning makes its {loader} anew, and needs {argument}= by name "
        "there, as all that follows the data set"
    ) from error


def _refuse_unlogged(trainer: Trainer, error: Exception) -> None:
    """Refuses a schedule that waits for a value which the model does not log.

    Raises:
        InputError: This is what the error says.
    """
    found = UNLOGGED.match(str(error))
    if found is None or not isinstance(error, MisconfigurationException):
        return
    schedule, name = found.groups()
    there = ", ".join(sorted(trainer.callback_metrics)) or "none"
    raise InputError(
        f"{type(trainer.lightning_module).__name__}.configure_optimizers: its {schedule} monitors {name}: no such "
        f"metric; there are {there}"
    ) from error


def _failed_step(error: Exception) -> tuple[LightningModule, str, Any] | None:
    """Returns the model, its step and the batch in which an error was raised; None if it was elsewhere."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        owner, names = frame.f_locals.get("self"), frame.f_code.co_varnames
        if frame.f_code.co_name in STEPS and isinstance(owner, LightningModule) and len(names) > 1:
            return owner, frame.f_code.co_name, frame.f_locals.get(names[1])
    return None
