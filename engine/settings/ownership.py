"""What the classes that a config names state of their own arguments."""

import contextlib
import inspect
import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.errors import InputError
from core.files.home import from_home
from datamodules.base.data_module import DataModule
from lightning_modules.tasks.task import Task

NAMING = ("run_dir", "weights")  # options that name files and folders; commands check what they write


def data_class(config: dict[str, Any]) -> type[DataModule]:
    """Returns the class of a config's data set; the base class for one that does not derive from it.

    Args:
        config: A merged config, with `class_path` and `init_args` under `data`.
    """
    return _class(config["data"], DataModule)


def task_class(config: dict[str, Any]) -> type[Task]:
    """Returns the class of a config's model; the base class for one that does not derive from it."""
    return _class(config["model"], Task)


def is_own_data(config: dict[str, Any]) -> bool:
    """Returns whether a config's data set derives from this project's base class."""
    return data_class(config) is not DataModule


def refuse_given_sizes(config: dict[str, Any], given: dict[str, object], sizes: tuple[str, ...]) -> None:
    """Checks that sizes of the model are not given where the data states them, as all data sets of this project do.

    Args:
        config: A merged config.
        given: Dotted keys that the user has set.
        sizes: Names of the model's arguments that the data states.

    Raises:
        InputError: A size is given.
    """
    for size in sizes:
        if f"model.{size}" in given and is_own_data(config):
            raise InputError(f"model.{size} cannot be set: the data gives it")


def missing_sizes(config: dict[str, Any], sizes: tuple[str, ...]) -> str:
    """Returns in words which sizes a model needs that its data does not state and nobody gave; or nothing."""
    parameters = inspect.signature(named_class(config["model"])).parameters
    arguments = config["model"].get("init_args") or {}
    needed = [name for name in sizes if name in parameters and parameters[name].default is inspect.Parameter.empty]
    data, model = (config[part]["class_path"].rpartition(".")[2] for part in ("data", "model"))
    if is_own_data(config):
        stated = {name for kind in data_class(config).__mro__ for name in (*vars(kind), *inspect.get_annotations(kind))}
        absent = [name for name in needed if name not in stated]
        return f"{model} needs {' and '.join(absent)}, and {data} has none: they do not fit together" if absent else ""
    missing = [f"--model.{name}" for name in needed if arguments.get(name) is None]
    return f"{model} needs {' and '.join(missing)}, unless {data} states it" if missing else ""


def changeable(config: dict[str, Any]) -> tuple[str, ...]:
    """Returns the dotted keys of all arguments of model and data set that may differ when a run continues.

    Args:
        config: A merged config; one without data of a run on loaders.
    """
    owners = {"model": task_class(config)} | ({"data": data_class(config)} if "data" in config else {})
    return tuple(f"{part}.{name}" for part, owner in owners.items() for name in owner.changeable)


def mappings(config: dict[str, Any], groups: Mapping[str, type]) -> list[str]:
    """Returns the dotted keys of all settings that are mappings, whose names are the user's, such as layers.

    Args:
        config: A merged config; one without data of a run on loaders.
        groups: Classes of the groups of settings beside model and data, by name.
    """
    owners = {part: named_class(config[part]) for part in ("model", "data") if part in config} | dict(groups)
    found = []
    for part, owner in owners.items():
        for kind in inspect.getmro(owner) if isinstance(owner, type) else [owner]:
            with contextlib.suppress(NameError, TypeError):  # annotations of other packages may name anything
                hints = get_type_hints(getattr(kind, "__init__", kind) if isinstance(kind, type) else kind)
                found += [f"{part}.{name}" for name, hint in hints.items() if _is_mapping(hint)]
    return list(dict.fromkeys(found))


def _is_mapping(hint: Any) -> bool:
    """Returns whether an argument is, or may be, a mapping."""
    kinds = [hint, *get_args(hint)] if isinstance(hint, UnionType) or get_origin(hint) is Union else [hint]
    return any(get_origin(kind) in (dict, Mapping) or kind in (dict, Mapping) for kind in kinds)


def make_paths_absolute(arguments: dict[str, Any], paths: Iterable[str]) -> None:
    """Makes files and folders absolute, so that a config can be repeated from any folder.

    Args:
        arguments: The arguments of a data set or of a model, or a whole config; changed in place.
        paths: Names of those that are files and folders. A value such as `torchvision:vgg19` is none, and stays.
    """
    for name in paths:
        value = arguments.get(name)
        if isinstance(value, list):  # of files, which a data set may look for in its own folder
            found = {path: from_home(path) for path in value}
            arguments[name] = [_absolute(there) if there.exists() else path for path, there in found.items()]
        elif value is not None and not re.match(r"\w{2,}:", value):
            arguments[name] = _absolute(from_home(value))


def refuse_empty_names(config: Any) -> None:
    """Checks that no file or folder has an empty name, as an unset variable of a shell is, and stands for the current.

    Args:
        config: A merged config, which need not name model or data.

    Raises:
        InputError: One has.
    """
    named = {option: config.get(option) for option in NAMING}
    for part, owner in (("data", data_class), ("model", task_class)):
        if config.get(part) is not None:
            arguments = config[part].get("init_args") or {}
            named |= {f"{part}.{name}": arguments.get(name) for name in owner(config).paths}
    for option, value in named.items():
        if "" in (value if isinstance(value, list) else [value]):
            raise InputError(f"--{option}: the name is empty; name a file or folder, or leave the option out")


def _class(settings: dict[str, Any], base: type) -> type:
    """Returns the class that `class_path` names if it derives from a base class, else the base class."""
    named = named_class(settings)
    return named if isinstance(named, type) and issubclass(named, base) else base


def named_class(settings: dict[str, Any]) -> Any:
    """Returns what `class_path` names in the settings of model or data; None for a class within a function.

    Raises:
        ImportError: Its module cannot be imported.
        AttributeError: Its module has no such name.
    """
    path = settings["class_path"]
    return None if "<locals>" in path else _imported(path)


def _imported(path: str) -> Any:
    """Returns what an import path names, which may be a class within a class."""
    outer, _, name = path.rpartition(".")
    try:
        return getattr(import_module(outer), name)
    except ModuleNotFoundError as error:
        if error.name == outer and "." in outer:  # and not what this module needs
            with contextlib.suppress(AttributeError):
                return getattr(_imported(outer), name)
        raise


def _absolute(path: Path) -> str:
    """Returns an absolute path, through a link where the path behind it is not UTF-8, as YAML has to be.

    Raises:
        InputError: There is none in UTF-8.
    """
    for absolute in (path.resolve(), path.absolute()):
        with contextlib.suppress(UnicodeEncodeError):
            return str(absolute).encode().decode()
    raise InputError(f"{path.absolute()}: is not UTF-8, as config.yaml is; give a link to it (ln -s)")
