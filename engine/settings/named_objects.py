"""Checks that an untrusted config names only classes of the allowed kinds."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from jsonargparse import Namespace
from jsonargparse._parameter_resolvers import get_signature_parameters
from jsonargparse._util import get_import_path, import_object
from pytorch_lightning import Callback, LightningDataModule, loggers
from pytorch_lightning.accelerators import Accelerator
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins import CheckpointIO, ClusterEnvironment, LayerSync, Precision
from pytorch_lightning.profilers import Profiler
from pytorch_lightning.strategies import Strategy
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from core.code.known_code import is_known
from core.code.limited_imports import limited_imports
from core.errors import InputError
from engine.settings.sending import KEPT_HERE
from engine.settings.trust import Limit

LOCAL_LOGGERS = tuple(getattr(loggers, name) for name in KEPT_HERE)
KINDS = (nn.Module, LightningDataModule, Optimizer, LRScheduler, Callback, Logger, Profiler)
OF_TRAINER = (Strategy, Accelerator, Precision, CheckpointIO, ClusterEnvironment, LayerSync)
IN_WORDS = "networks, data sets, optimizers, schedules, callbacks, loggers, profilers and parts of the Trainer"


@contextmanager
def limited_parser(limit: Limit | None) -> Iterator[None]:
    """Lets the parser import by name, in the block, only what is allowed.

    Args:
        limit: How far a config is limited; None allows all but what Python has for running commands and the like.
    """
    # from whole packages: a class can be defined in another module than the one that is named
    with limited_imports(None if limit is None else limit.packages):
        yield


def refuse_other_objects(settings: Namespace, limit: Limit | None) -> None:
    """Checks that a config that may be somebody else's names classes alone, of the kinds that settings need.

    Functions that are defaults are let through. Loggers that send figures away, with the keys of the user's accounts,
    are for the user's own runs. Nothing of what is named has been called yet.

    Args:
        settings: The parsed settings.
        limit: How far the config is limited; None checks nothing.

    Raises:
        InputError: It names something else.
    """
    if limit is None:
        return
    for key, name, found in _found(settings, ""):
        is_class = inspect.isclass(found) and issubclass(found, (*KINDS, *OF_TRAINER))
        if not is_class and name not in limit.chosen:
            raise InputError(
                f"{limit.config}: {key} {name} is none of the classes that a run may name: {IN_WORDS}; if you trust "
                "it, add --trust"
            )
        if is_class and _sends(name, found, limit):
            raise InputError(
                f"{limit.config}: {key} {name} sends figures to a server that the config names; if you trust it, "
                "add --trust, or keep them here with --trainer.logger false"
            )


def _sends(name: str, found: type, limit: Limit) -> bool:
    """Returns whether a class is a logger that sends figures away without the user having chosen it."""
    if not issubclass(found, Logger) or issubclass(found, LOCAL_LOGGERS) or limit.may_send:
        return False
    # a library's logger that both name could have the address of the one and the key of the other
    return name not in limit.chosen or (name in limit.named and is_known(name))


def _found(value: Any, key: str, owner: Any = None) -> Iterator[tuple[str, str, Any]]:
    """Yields what settings name, each with its dotted key and its name: an object, or None where there is none.

    Args:
        value: The settings.
        key: Their dotted key.
        owner: The class whose argument they are.
    """
    if isinstance(value, Namespace):
        value = vars(value)
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        found = _imported(value["class_path"])
        yield key, value["class_path"], found
        for part in ("init_args", "dict_kwargs"):
            arguments = value.get(part) or {}
            for name, argument in (vars(arguments) if isinstance(arguments, Namespace) else arguments).items():
                yield from _found(argument, f"{key}.{name}", found)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _found(part, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _found(part, key)
    elif _is_code(value) and (owner is None or not _is_default(owner, key.rpartition(".")[2], value)):
        yield key, _name_of(value), value


def _name_of(value: Any) -> str:
    try:
        return get_import_path(value) or repr(value)
    except ValueError:  # it has no name
        return repr(value)


def _is_code(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, partial)


def _imported(name: str) -> Any:
    """Returns what the parser has imported under a name; None if it has not."""
    try:
        return import_object(name)
    except Exception:  # however it can fail: settings of any kind may be called `class_path`
        return None


def _is_default(owner: Any, name: str, value: Any) -> bool:
    parameters = get_signature_parameters(owner, *(["__init__"] if inspect.isclass(owner) else []))
    return any(one.name == name and one.default is value for one in parameters)
