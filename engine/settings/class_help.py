"""Which class `--model.help`, `--data.help` and the like are about: one that is named, or the config's."""

import difflib
import importlib
import re
from pathlib import Path
from typing import Any

from core.errors import InputError
from engine.settings.config_files import read_config
from engine.settings.suggestions import USUAL_MODULES

QUESTION = re.compile(r"--(?P<path>\w+(\.\w+)*)\.help(=(?P<name>.*))?")


def asks_for_class_help(words: list[str]) -> bool:
    """Returns whether a command line asks for the options of a class."""
    return any(QUESTION.fullmatch(word) for word in words)


def complete_class_help(options: list[str]) -> list[str]:
    """Returns a command line whose questions for a class's options name the class by its whole import path.

    Args:
        options: What follows the subcommand, with every config as a path.

    Raises:
        InputError: No class is named and no config names one, or there is none of this name.
    """
    completed: list[str] = []
    words = iter(zip(options, [*options[1:], "--"], strict=True))
    for word, following in words:
        question = QUESTION.fullmatch(word)
        if question is None:
            completed.append(word)
            continue
        path, name = question["path"], question["name"]
        if not name and not following.startswith("-"):
            name, _ = next(words)
        name = name or _named_class(path, options)
        if not name:
            raise InputError(f"--{path}.help: name a class after it, or a config before it; {_choices(path)}")
        if "." in path and not _named_class(path.split(".")[0], options) and path.split(".")[0] in USUAL_MODULES:
            raise InputError(f"--{path}.help: depends on the {path.split('.')[0]}; name a config before it")
        completed.append(f"--{path}.help={name if '.' in name else _import_path(path, name)}")
    return completed


def _named_class(path: str, options: list[str]) -> str | None:
    """Returns the class that the settings name at a dotted path, by flag or in a config."""
    name = None
    for word, following in zip(options, [*options[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        value = value if equals else following
        if option == "--config":
            name = _class_in(read_config(Path(value)), path.split(".")) or name
        elif option in (f"--{path}", f"--{path}.class_path"):
            name = value
    return name


def _class_in(config: Any, keys: list[str]) -> str | None:
    for key in [*keys, "class_path"]:
        if isinstance(config, dict) and key not in config:
            config = config.get("init_args")
        if isinstance(config, list):
            config = config[0] if config else None
        if not isinstance(config, dict):
            return config if isinstance(config, str) and key == "class_path" else None
        config = config.get(key)
    return config


def _import_path(path: str, name: str) -> str:
    """Returns where a class is usually found, this project's first; the name itself where no near one is known."""
    for module in USUAL_MODULES.get(path.split(".")[-1], ()):
        if name in _classes(module):
            return f"{module}.{name}"
    near = difflib.get_close_matches(name, _all_classes(path), n=2)
    if near:
        raise InputError(f"--{path}.help {name}: there is no such class; did you mean {' or '.join(near)}?")
    return name


def _choices(path: str) -> str:
    names = _all_classes(path)
    return f"there are {', '.join(names)}" if names else "its import path, such as package.Class"


def _all_classes(path: str) -> list[str]:
    modules = USUAL_MODULES.get(path.split(".")[-1], ())
    return list(dict.fromkeys(name for module in modules for name in _classes(module)))


def _classes(module: str) -> list[str]:
    """Returns the public classes of a module."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or [name for name, value in vars(found).items() if isinstance(value, type)]
    return sorted(name for name in names if name[:1].isupper())
