"""What a checkpoint may hold, so that it can be read again without running code."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.core.mixins.hparams_mixin import HyperparametersMixin
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.serialization import get_unsafe_globals_in_checkpoint

from core.code.known_code import OWN
from core.errors import InputError
from core.terminal.console import print_line
from lightning_modules.tasks.task import Task

HYPERPARAMETERS = tuple(owner.CHECKPOINT_HYPER_PARAMS_KEY for owner in (LightningModule, LightningDataModule))
# of their container, which is a plain dictionary here
CONTAINERS = tuple(owner.CHECKPOINT_HYPER_PARAMS_TYPE for owner in (LightningModule, LightningDataModule))


def plain_hyperparameters(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Returns a checkpoint whose hyperparameters are plain: paths as texts, and without objects of other classes.

    Args:
        checkpoint: What Lightning has gathered; not changed.
    """
    found = {name: _without_objects(checkpoint[name]) for name in HYPERPARAMETERS if name in checkpoint}
    return {name: found.get(name, value) for name, value in checkpoint.items() if name not in CONTAINERS}


def objects_in_hyperparameters(owner: HyperparametersMixin) -> list[str]:
    """Returns the names of a module's hyperparameters that no checkpoint keeps, since reading them would run code."""
    hyperparameters = dict(owner.hparams)
    return [name for name in hyperparameters if name not in _without_objects(hyperparameters)]


def check_readable(file: Path | io.BytesIO, checkpoint: dict[str, Any]) -> None:
    """Checks that a file, just written, can be read without running code.

    Args:
        file: The file.
        checkpoint: What was written.

    Raises:
        InputError: It cannot; names what is in the way.
    """
    if not get_unsafe_globals_in_checkpoint(file):
        return
    for name, value in checkpoint.items():
        _refuse_unreadable(name, value)


def check_contents(trainer: Trainer) -> None:
    """Checks before training that what code of other packages adds to checkpoints can be read again.

    That is the state of callbacks, and all that a model of another package saves. What is left out of hyperparameters
    is said.

    Raises:
        InputError: It cannot; names what is in the way.
    """
    for owner in (trainer.lightning_module, trainer.datamodule):
        if owner is not None and (left_out := objects_in_hyperparameters(owner)):
            print_line(
                f"note     checkpoints leave out {', '.join(left_out)} of {type(owner).__name__}'s hyperparameters, "
                "which cannot be read again without running code; load_from_checkpoint takes them as arguments"
            )
    for callback in trainer.callbacks:
        if type(callback).__module__.partition(".")[0] not in OWN:
            _check_state(callback)
    if isinstance(trainer.lightning_module, Task):
        return
    try:
        checkpoint = trainer._checkpoint_connector.dump_checkpoint()
    except Exception:  # what it saves may exist only once it trains: then the first save tells
        return
    checkpoint["state_dict"] = _with_shapes(trainer, checkpoint["state_dict"])
    for name, value in plain_hyperparameters(checkpoint).items():
        _refuse_unreadable(name, value)


def _check_state(callback: Callback) -> None:
    """Checks the state that a callback saves.

    Raises:
        InputError: It cannot be read again; names what is in the way.
    """
    try:
        state = callback.state_dict()
    except Exception:  # what it saves may exist only once it trains: then the first save tells
        return
    if classes := _unreadable(state):
        raise InputError(
            f"{type(callback).__name__}.state_dict holds {' and '.join(classes)}, which no checkpoint can hold: it may "
            "have tensors, numbers, texts, and lists and dictionaries of these"
        )


def _with_shapes(trainer: Trainer, weights: Any) -> Any:
    """Returns weights without those that a batch of the trial before training gives a shape.

    Raises:
        InputError: There is no such trial.
    """
    lazy = [name for name, value in weights.items() if is_lazy(value)] if isinstance(weights, dict) else []
    if lazy and not trainer.num_sanity_val_steps:
        raise InputError(
            f"{type(trainer.lightning_module).__name__}: {lazy[0]} has no shape before a first batch, and cannot be "
            "checked or saved; run a batch through it in its setup, or give --trainer.num_sanity_val_steps 1"
        )
    return {name: value for name, value in weights.items() if name not in lazy} if lazy else weights


def _refuse_unreadable(name: str, value: Any) -> None:
    if classes := _unreadable(value):
        raise InputError(
            f"{name!r} in checkpoints holds {' and '.join(classes)}, which cannot be read again without running code; "
            "on_save_checkpoint and state_dict may save tensors, numbers, texts, lists and dictionaries"
        )


def _without_objects(values: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: _replaced(value, PurePath, str) for name, value in values.items()}
    return {name: value for name, value in plain.items() if not _unreadable(value)}


def _replaced(value: Any, kind: type, replacement: Callable[[Any], Any]) -> Any:
    """Returns a value with something else in place of what is of a kind, also in dictionaries, lists and tuples."""
    if isinstance(value, kind):
        return replacement(value)
    if type(value) is dict:
        return {key: _replaced(part, kind, replacement) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(part, kind, replacement) for part in value)
    return value


def _none_for_plain_tensors(tensor: Tensor) -> Tensor | None:
    return None if type(tensor) is Tensor else tensor  # a subclass may need code of its own


def _is_plain(value: Any) -> bool:
    """Returns whether a value consists of numbers, texts, lists and dictionaries alone, which need not be tried."""
    if type(value) is dict:
        return all(_is_plain(key) and _is_plain(part) for key, part in value.items())
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    return type(value) in (type(None), bool, int, float, str)


def _unreadable(value: Any) -> list[str]:
    """Returns the names of the classes and functions in a value that torch does not read without running code."""
    value = _replaced(value, Tensor, _none_for_plain_tensors)  # whose numbers need not be written
    if _is_plain(value):
        return []
    buffer = io.BytesIO()
    try:
        torch.save(value, buffer)
    except Exception:  # however pickle stumbles over what it cannot write, such as a lambda or an open file
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        within = [name for part in parts for name in _unreadable(part)]
        return within or [f"a {type(value).__name__}"]
    buffer.seek(0)
    return sorted(get_unsafe_globals_in_checkpoint(buffer))
