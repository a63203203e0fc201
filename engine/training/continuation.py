"""Checks that a run that goes on in Python keeps what makes it this run, as one of the command does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.run_layout import CONFIG, has_config
from engine.runs.resume import changes, recorded_settings
from engine.settings.ownership import data_class
from engine.settings.run_identity import CHANGEABLE_ON_RESUME
from engine.training.python_runs import OPTIMIZATION, config_before_training
from lightning_modules.tasks.task import Task

INCOMPARABLE = (InputError, ImportError, AttributeError)  # of a config that is missing or damaged, or a class's name


def check_settings(trainer: Any, checkpoint: dict[str, Any]) -> None:
    """Checks that a fit from Python that takes up a run has its model, data, trainer and built-in callbacks.

    What is not known of them is not compared, nor are other callbacks; classes may have moved to another module.

    Args:
        trainer: The trainer, once data and model are set up, and before anything of the checkpoint is in them.
        checkpoint: The checkpoint with which it goes on; empty if the run begins again.

    Raises:
        InputError: One differs.
    """
    trainer.optimization = None  # that of an earlier fit
    run = _taken_up(trainer)
    if run is None:
        return
    config, unknown = config_before_training(trainer)
    left_out = ["trainer.callbacks", *unknown, *_saved_alike(trainer, checkpoint)]
    if isinstance(trainer.lightning_module, Task):  # whose optimizer and schedule are not made yet
        left_out += [f"model.{name}" for name in OPTIMIZATION]
    try:
        changed = changes(run, config, checkpoint)
        if "data" in config:  # whose content is compared when its state is restored
            left_out += [f"data.{name}" for name in data_class(config).take_over(run)]
        seed = recorded_settings(run, checkpoint).get("seed_everything")
    except INCOMPARABLE:
        return
    if checkpoint or type(seed) is not int:  # the checkpoint has the seed
        left_out.append("seed_everything")
    for key, (before, now) in _without(changed, left_out).items():
        way_out = f"give Trainer(seed={before})" if key == "seed_everything" else f"make it as {run / CONFIG} tells"
        raise InputError(
            f"{key} is {now}: this run has {before}, and cannot change it; {way_out}, or train a new run, without "
            "ckpt_path"
        )


def check_optimization(trainer: Any, checkpoint: dict[str, Any]) -> None:
    """Checks that a fit from Python that takes up a run has its schedule, and an optimizer where the run was given one.

    Settings of a given optimizer may change. Nothing is compared of what a function or the model itself has made.

    Args:
        trainer: The trainer, whose optimization is described.
        checkpoint: The checkpoint with which it goes on; empty if the run begins again.

    Raises:
        InputError: The schedule differs, or the run has another optimizer than the model's default.
    """
    run, model = _taken_up(trainer), trainer.lightning_module
    if run is None or not isinstance(model, Task):
        return
    optimization, unknown = trainer.optimization
    compared = model.made_of_settings - ({"optimizer"} if model.has_optimizer else set())
    try:
        recorded = recorded_settings(run, checkpoint)["model"].get("init_args") or {}
        compared = [name for name in OPTIMIZATION if name in compared and not isinstance(recorded.get(name), str)]
        kind = type(model)
        config = {
            "class_path": f"{kind.__module__}.{kind.__qualname__}",
            "init_args": {name: optimization[name] for name in compared if name in optimization},
        }
        fixed = tuple(one for one in CHANGEABLE_ON_RESUME if one != "model.optimizer.")
        changed = changes(run, {"model": config}, checkpoint, fixed)
    except (*INCOMPARABLE, KeyError):
        return
    left_out = ["model.class_path", "model.optimizer.class_path", *unknown]
    for key, (before, now) in _without(changed, left_out).items():
        reason, way_out = "and cannot change it", f"make it as {run / CONFIG} tells"
        if key.startswith("model.optimizer."):
            reason, way_out = "and this model was made without an optimizer", "give it one (optimizer=...)"
        raise InputError(
            f"{key} is {now}: this run has {before}, {reason}; {way_out}, or train a new run, without ckpt_path, with "
            "a new model and Trainer: these have the run's state by now"
        )


def _taken_up(trainer: Any) -> Path | None:
    """Returns the folder of the run that a fit from Python takes up, if it does and the run has a config."""
    if trainer.state.fn != "fit" or not trainer.takes_up_run or trainer.origin.command is not None:
        return None
    folder = trainer.run_folder
    return folder.path if folder is not None and has_config(folder.path) else None


def _saved_alike(trainer: Any, checkpoint: dict[str, Any]) -> list[str]:
    """Returns the keys of arguments that are in the checkpoint as model and data have saved them.

    A class may save what it has made of an argument, such as a number in place of None; a config has what was given.
    """
    keys = []
    for part, owner in (("model", trainer.lightning_module), ("data", trainer.datamodule)):
        saved = checkpoint.get(owner.CHECKPOINT_HYPER_PARAMS_KEY) if owner is not None else None
        if isinstance(saved, Mapping):
            own = owner.hparams_initial
            keys += [f"{part}.{name}" for name in own if name in saved and _are_equal(own[name], saved[name])]
    return keys


def _are_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # of whatever a user's class has saved, such as tensors
        return False


def _without(changed: dict[str, tuple[Any, Any]], left_out: list[str]) -> dict[str, tuple[Any, Any]]:
    """Returns the changes of a run without those below certain keys, and of classes without those that have moved."""
    keys = [f"{name.partition(' ')[0]}." for name in left_out]  # some name a class, too
    return {
        key: (before, now)
        for key, (before, now) in changed.items()
        if not f"{key}.".startswith(tuple(keys))
        and not (key.endswith(".class_path") and _last_name(before) == _last_name(now))
    }


def _last_name(path: Any) -> str:
    return str(path).rpartition(".")[2]
