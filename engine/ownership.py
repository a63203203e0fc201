"""What the classes that a config names state of their own arguments."""

from importlib import import_module
from pathlib import Path
from typing import Any

from datamodules.base.data_module import DataModule
from lightning_modules.tasks.task import Task


def data_class(config: dict[str, Any]) -> type[DataModule]:
    """Returns the class of a config's data set; the base class for one that does not derive from it.

    Args:
        config: A merged config, with `class_path` and `init_args` under `data`.
    """
    return _class(config["data"], DataModule)


def changeable(config: dict[str, Any]) -> tuple[str, ...]:
    """Returns the dotted keys of all arguments of model and data set that may differ when a run continues.

    Args:
        config: A merged config.
    """
    owners = {"model": _class(config["model"], Task), "data": data_class(config)}
    return tuple(f"{part}.{name}" for part, owner in owners.items() for name in owner.changeable)


def make_paths_absolute(config: dict[str, Any]) -> None:
    """Makes the data set's files and folders absolute, so that the config can be repeated from any folder.

    Args:
        config: A merged config, changed in place.
    """
    arguments = config["data"].get("init_args", {})
    for name in data_class(config).paths:
        if arguments.get(name) is not None:
            arguments[name] = str(Path(arguments[name]).expanduser().resolve())


def _class(settings: dict[str, Any], base: type) -> type:
    """Returns the class that `class_path` names if it derives from a base class, else the base class."""
    module, _, name = settings["class_path"].rpartition(".")
    named = getattr(import_module(module), name)
    return named if isinstance(named, type) and issubclass(named, base) else base
