"""The record of a run that is made from Python: its config as the command would have it, as far as it can be known."""

import inspect
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsonargparse._parameter_resolvers import get_signature_parameters
from jsonargparse._util import get_import_path
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor
from torch.nn.parameter import is_lazy

from core.tensor_bits import have_same_bits
from datamodules.base.data_module import DataModule
from engine.settings.ownership import make_paths_absolute
from engine.settings.recorded_config import LINKED, OPTION_GROUPS, Origin, config_file_text
from lightning_modules.schedules import RunSchedule
from lightning_modules.tasks.task import Task

HEADER = """\
# The config of this run, which was made from Python: validate, test, predict and fit --ckpt_path read it.
"""
UNKNOWN = "# Not recorded, because it was made in Python: {}.\n"
OPTIMIZATION = ("optimizer", "lr_scheduler")
MEASURING_GROUPS = ("test_subset", "views")  # built-in callbacks that change figures
MEASURING_OPTIONS = ("limit_val_batches", "limit_test_batches", "overfit_batches")
OF_THE_COMMAND = ("logger", "callbacks", "seed", "run_folder", "run_name")


def python_origin(trainer: Any, seed: int | None) -> Origin:
    """Describes a run that was not started by the command.

    Args:
        trainer: The trainer, once data, model and optimizers are set up.
        seed: The seed that gave the model its weights, if there is one.

    Returns:
        Its config, and what this does not hold.
    """
    config, unknown = config_before_training(trainer)
    optimization, lost = trainer.optimization or described_optimization(trainer)
    unknown += lost
    if optimization:
        config["model"].setdefault("init_args", {}).update(optimization)
    text = HEADER + (UNKNOWN.format(", ".join(unknown)) if unknown else "")
    return Origin(config_file_text(config, text), None, seed, tuple(unknown))


def config_before_training(trainer: Any) -> tuple[dict[str, Any], list[str]]:
    """Returns the config of a run without optimizer and schedule, and the names of what it does not hold."""
    unknown: list[str] = []
    settings = {name: value for name, value in _settings(trainer).items() if name not in OF_THE_COMMAND}
    config: dict[str, Any] = {"seed_everything": trainer.seed} | _callbacks(trainer, unknown)
    config["trainer"] |= _plain_items(settings, "trainer", unknown)
    return config | _model_and_data(trainer, unknown), unknown


def measured_config(trainer: Any) -> tuple[dict[str, Any], list[str]]:
    """Returns what a measurement from Python is of, as a config, and the names of what this does not hold.

    Args:
        trainer: The trainer, which measures with a data module.
    """
    unknown: list[str] = []
    config = _model_and_data(trainer, unknown)
    for name in OPTIMIZATION:
        config["model"].get("init_args", {}).pop(name, None)
    for name in MEASURING_GROUPS:
        config[name] = _plain_items(trainer.builtin(OPTION_GROUPS[name]).kept_arguments, name, unknown)
    settings = _settings(trainer)
    config["trainer"] = _plain_items({name: settings[name] for name in MEASURING_OPTIONS}, "trainer", unknown)
    return config, [name for name in unknown if name not in {f"model.{name}" for name in OPTIMIZATION}]


def _settings(trainer: Any) -> dict[str, Any]:
    """Returns all arguments of a trainer."""
    return {one.name: one.default for one in _parameters(type(trainer))} | trainer.kept_arguments


def _model_and_data(trainer: Any, unknown: list[str]) -> dict[str, Any]:
    """Returns classes and arguments of the model and of the data module, where there is one."""
    model, data = trainer.lightning_module, trainer.datamodule
    config = {"model": _class(model, _model_arguments(model), "model", unknown)}
    make_paths_absolute(config["model"]["init_args"], model.paths if isinstance(model, Task) else ())
    if isinstance(data, DataModule):  # it states sizes of the model
        for name in LINKED:
            config["model"]["init_args"].pop(name, None)
    if data is None:
        unknown.append("data")
    else:
        kept = data.kept_arguments if isinstance(data, DataModule) else dict(data.hparams_initial)
        config["data"] = _class(data, kept, "data", unknown)
        make_paths_absolute(config["data"]["init_args"], data.paths if isinstance(data, DataModule) else ())
    for part in config.values():
        if not part["init_args"]:  # the command records none, either
            del part["init_args"]
    return config


def seed_of_weights(model: LightningModule, seed: int) -> int | None:
    """Returns the seed if it gives a model its weights, which a model made anew shows; else None.

    Args:
        model: The model, as it is before training.
        seed: The seed of the trainer.
    """
    arguments = _model_arguments(model)
    needed = [one.name for one in _parameters(type(model)) if _is_needed(one)]
    if torch.initial_seed() != seed or not set(needed) <= set(arguments):
        return None
    with isolate_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            other = type(model)(**arguments).state_dict()
        except Exception:  # somebody's class, which may not be made twice
            return None
    own = model.state_dict()
    same = own.keys() == other.keys() and all(_are_equal(own[name], other[name]) for name in own)
    return seed if same else None


def _are_equal(one: Any, other: Any) -> bool:
    """Returns whether two tensors of a state are equal; lazy ones are not yet drawn, and other states no weights."""
    if not (isinstance(one, Tensor) and isinstance(other, Tensor)):
        return type(one) is type(other)
    return not (is_lazy(one) or is_lazy(other)) and have_same_bits(one, other)


@cache
def _parameters(owner: type) -> list[Any]:
    """Returns the arguments of a class, those of its bases that it passes on among them, as the parser has them."""
    return get_signature_parameters(owner, "__init__")


def _is_needed(parameter: Any) -> bool:
    return parameter.default is inspect.Parameter.empty


def _model_arguments(model: LightningModule) -> dict[str, Any]:
    return {name: value for name, value in model.hparams_initial.items() if not name.startswith("_")}


def _class(owner: Any, kept: dict[str, Any], key: str, unknown: list[str]) -> dict[str, Any]:
    """Returns class path and arguments of an object; notes what is not known of them.

    A class of this project keeps all of its arguments, another one those that it saves as hyperparameters, if it does.
    """
    parameters = _parameters(type(owner))
    known = {one.name: one.default for one in parameters if not (_is_needed(one) or callable(one.default))} | kept
    if not isinstance(owner, Task | DataModule):
        known = kept
    # the optimizer and its schedule are described by themselves
    left_out = OPTIMIZATION if isinstance(owner, Task) else ()
    unknown += [f"{key}.{one.name}" for one in parameters if one.name not in (*known, *left_out)]
    known = {one.name: known[one.name] for one in parameters if one.name in known}
    return {"class_path": _import_path(type(owner)), "init_args": _plain_items(known, key, unknown)}


def described_optimization(trainer: Any) -> tuple[dict[str, Any], list[str]]:
    """Returns the optimizer and the schedule of a task, as far as they keep how they were made, and what is not known.

    The state of a checkpoint in a schedule can hide how it was made.
    """
    if not isinstance(trainer.lightning_module, Task):
        return {}, []
    schedules = [config.scheduler for config in trainer.lr_scheduler_configs]
    if len(trainer.optimizers) != 1 or len(schedules) > 1:
        return {}, ["model.optimizer"]
    unknown: list[str] = []
    (optimizer,) = trainer.optimizers
    found = {"lr_scheduler": None} | _made(optimizer, optimizer.defaults, "model.optimizer", unknown)
    for schedule in schedules:
        # total_steps is the run's length, and last_epoch the place in it
        values = {name: value for name, value in vars(schedule).items() if name != "last_epoch"} | {"last_epoch": -1}
        values |= {"total_steps": None} if isinstance(schedule, RunSchedule) else {}
        found |= _made(schedule, values, "model.lr_scheduler", unknown)
    return found, unknown


def classes_in_use(trainer: Any) -> list[str]:
    """Returns the import paths of the classes of what a trainer trains, and trains it with."""
    schedules = [config.scheduler for config in trainer.lr_scheduler_configs]
    used = [trainer.lightning_module, trainer.datamodule, *trainer.optimizers, *schedules, *trainer.given_callbacks]
    return [_import_path(type(one)) for one in used if one is not None]


def _made(owner: Any, values: dict[str, Any], key: str, unknown: list[str]) -> dict[str, Any]:
    """Returns the setting of an optimizer or a schedule; none where it lacks what it needs."""
    parameters, lost, path = _parameters(type(owner))[1:], [], _import_path(type(owner))  # but what it is made for
    known = _plain_items({one.name: values[one.name] for one in parameters if one.name in values}, key, lost)
    missing = [one for one in parameters if one.name not in known]
    if missing:
        unknown.append(f"{key} ({path})")
    if any(_is_needed(one) for one in missing):
        return {}
    return {key.rpartition(".")[2]: {"class_path": path, "init_args": known}}


def _callbacks(trainer: Any, unknown: list[str]) -> dict[str, Any]:
    """Returns the options of the built-in callbacks, and the class paths of others that take no arguments."""
    config: dict[str, Any] = {}
    others = []
    for name, kind in OPTION_GROUPS.items():
        options, kept = {one.name for one in _parameters(kind)}, trainer.builtin(kind).kept_arguments
        config[name] = _plain_items({key: value for key, value in kept.items() if key in options}, name, unknown)
    groups = tuple(OPTION_GROUPS.values())
    for callback in (one for one in trainer.given_callbacks if type(one) not in groups):
        path, is_group = _import_path(type(callback)), isinstance(callback, groups)  # which stands for the built-in one
        if is_group or _parameters(type(callback)) or "<locals>" in path or path.startswith("__main__."):
            unknown.append(f"trainer.callbacks {path}")
        else:
            others.append({"class_path": path})
    return config | {"trainer": {"callbacks": others or None}}


def _import_path(owner: type) -> str:
    return get_import_path(owner) or f"{owner.__module__}.{owner.__qualname__}"


def _plain_items(values: dict[str, Any], key: str, unknown: list[str]) -> dict[str, Any]:
    plain = {}
    for name, value in values.items():
        try:
            plain[name] = _plain(value)
        except TypeError:
            unknown.append(f"{key}.{name}")
    return plain


def _plain(value: Any) -> Any:
    """Returns a value as YAML has it.

    Raises:
        TypeError: YAML has no such value.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value):
        return _plain(vars(value))
    if isinstance(value, Counter):  # milestones of a schedule
        return sorted(value.elements())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    raise TypeError(type(value).__name__)
