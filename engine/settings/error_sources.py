"""Turns an error of a library or of a user's class into one line that names the option it came from."""

import inspect
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from pydoc import locate
from types import FrameType
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning import Callback, LightningDataModule, LightningModule
from pytorch_lightning.loggers import Logger
from pytorch_lightning.profilers import Profiler
from pytorch_lightning.strategies import Strategy
from pytorch_lightning.trainer.connectors.checkpoint_connector import _CheckpointConnector
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import Dataset

from callbacks.configured_optimizer import has_option
from core.code.error_places import UNKNOWN, failed_import, of_project, shown_where
from core.errors import InputError, LostPeer, RunFailed
from engine.settings.error_messages import summarize_error

# Whose method an error came from, with the option that names such an object.
OPTIONS: tuple[tuple[type, str], ...] = (
    (Optimizer, "--model.optimizer"),
    (LRScheduler, "--model.lr_scheduler"),
    (Logger, "--trainer.logger"),
    (Profiler, "--trainer.profiler"),
    (Callback, "--trainer.callbacks"),
    (LightningDataModule, "--data"),
    (Dataset, "--data"),
    (LightningModule, "--model"),
    (DistributedDataParallel, "--trainer.strategy"),
    (nn.Module, "--model: in"),
    (Strategy, "--trainer.strategy"),
)

MADE_FOR_MODELS = (Optimizer, LRScheduler)  # by those options, which modules of other packages need not have

# The parser's words for a class that could not be built, where an option takes one class or a list of them.
UNBUILT = re.compile(r"Problem with given class_path '([\w.]+)': (?:- )?(.+?)(?: - Expected a | Given value|$)")

UNFIT = re.compile(r"Error\(s\) in loading state_dict for \w+:\s*(.+)", re.DOTALL)  # torch, of weights that do not fit
SEVERAL_NAMES = re.compile(r'("[^"]+")(?:, "[^"]+")+')

PLAIN = (ValueError, TypeError, RuntimeError, ImportError, MisconfigurationException)  # whose messages are sentences


# What a command is doing: reading its settings, calling constructors, on the way to the first step, past it, or
# validating, testing or predicting.
Stage = Literal["parsing", "building", "starting", "running", "measuring"]


def input_error(error: Exception, stage: Stage) -> InputError | None:
    """Returns an error as wrong input if it struck before a run's first step and this project's code is not at fault.

    Args:
        error: The error, of any class.
        stage: When it struck. A wrong argument of a constructor may be met anywhere, in our code too.

    Returns:
        One line that names the option and the reason; None for a mistake of the program, or a run that failed.
    """
    if isinstance(error, InputError):
        return error
    if stage == "parsing" and (failed := failed_import(error)):
        return InputError(failed)
    refusal = isinstance(error, ValueError | MisconfigurationException)
    if stage == "running" or (isinstance(error, RunFailed | LostPeer | OSError) and not isinstance(error, ImportError)):
        return None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if (path := _restored_checkpoint(frames)) is not None:
        if unfit := UNFIT.match(str(error)):  # of a model that gets its layers only when it is set up
            reason = f"of another model: {_first_fault(unfit[1])}; it needs the class and the settings of its run"
        elif "parameter group" not in str(error):  # as torch's optimizers say
            reason = f"damaged, or of another release ({type(error).__name__}: {error})".replace("\n", " ")
        else:
            reason = (
                "its release grouped the parameters of the optimizer otherwise (as with depth_lr_factor); it cannot be "
                f"continued here, but a new run can start from its weights: fit --config NAME --weights {path}"
            )
        return InputError(f"{path}: {reason}")
    if stage == "measuring" and not isinstance(error, MisconfigurationException):
        return None
    while (cause := error.__cause__) is not None:
        if unbuilt := _unbuilt_class(str(error)):
            return unbuilt
        if isinstance(cause, InputError):
            return cause
        frames += [frame for frame, _ in traceback.walk_tb(cause.__traceback__)]
        error = cause  # type: ignore[assignment]
    if frames and of_project(frames[-1].f_code) and not (refusal or stage == "building"):
        return None
    line = summarize_error(str(error)) or type(error).__name__
    if not isinstance(error, PLAIN):
        line = f"{type(error).__name__}: {line}"
    if line.startswith("--"):
        return InputError(line)
    if refusal and (named := _named_option(line)):
        return InputError(f"--trainer.{named}: {line}")
    owners = (frame.f_locals.get("self") for frame in frames)
    model = next((owner for owner in owners if isinstance(owner, LightningModule)), None)
    source = next((name for frame in reversed(frames) if (name := _option(frame, model))), "")
    where = shown_where(error)
    if not source:
        return InputError(line if where == UNKNOWN else f"{line} {where}")
    return InputError(f"{source}: {line} {where}")


def _unbuilt_class(message: str) -> InputError | None:
    """Returns what the parser says of a class that it could not build, after the option that takes such a class."""
    unbuilt = UNBUILT.search(" ".join(message.split()))
    if unbuilt is None:
        return None
    kind, name = locate(unbuilt[1]), unbuilt[1].rpartition(".")[2]
    option = next((option for base, option in OPTIONS if isinstance(kind, type) and issubclass(kind, base)), "")
    return InputError(f"{option} {name}: {unbuilt[2]}".lstrip())


def _restored_checkpoint(frames: list[FrameType]) -> Path | None:
    """Returns the checkpoint that Lightning was restoring when an error struck, if it was."""
    for frame in frames:
        owner = frame.f_locals.get("self")
        if isinstance(owner, _CheckpointConnector) and "restore" in frame.f_code.co_name:
            return owner.trainer.ckpt_path
    return None


def _first_fault(listed: str) -> str:
    """Returns the most telling of torch's lines on weights that do not fit: of shapes, or else of names, the first."""
    lines = [line.strip().rstrip(".") for line in listed.splitlines()]
    first = next((line for line in lines if line.startswith("size mismatch")), lines[0])
    return SEVERAL_NAMES.sub(lambda names: f"{names[1]} and {names[0].count(', ')} more", first)


def trainer_option_error(error: Exception, options: Mapping[str, Any]) -> InputError:
    """Returns what Lightning's Trainer refuses as one line that begins with the option.

    Args:
        error: The error of the Trainer's constructor.
        options: Its arguments.
    """
    line = summarize_error(str(error))
    places = {line.lower().find(name): name for name in options if name in line.lower()}
    called = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    by_function = (name for function in reversed(called) for name in options if function.endswith(name))
    name = places[min(places)] if places else next(by_function, None)
    if name is None or line.startswith("--"):
        return InputError(line)
    value = options[name]
    shown = value if isinstance(value, str | int | float) else type(value).__name__
    return InputError(f"--trainer.{name} {shown}: {line}")


def _named_option(line: str) -> str | None:
    """Returns the first option of the Trainer that a message names as code."""
    options = inspect.signature(pl.Trainer.__init__).parameters
    return next((word for word in re.findall(r"`(\w+)`", line) if word in options), None)


def _option(frame: FrameType, model: LightningModule | None) -> str | None:
    """Returns the option that names the object whose method a frame is of; a model may have made some itself."""
    owner = frame.f_locals.get("self")
    if owner is None or frame.f_code.co_name == "__getattr__":  # who asks for what is not there is at fault
        return None
    for kind, option in OPTIONS:
        if isinstance(owner, kind):
            if kind in MADE_FOR_MODELS and model is not None and not has_option(model, option.split(".")[1]):
                return None
            own = isinstance(owner, Callback) and type(owner).__module__.startswith("callbacks.")
            return None if own else f"{option} {type(owner).__name__}"
    return None
