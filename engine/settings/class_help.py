"""Which class `--model.help`, `--data.help` and the like are about: one that is named, or the config's."""

import difflib
import re
from pathlib import Path
from typing import Any

from core.errors import InputError
from engine.settings.config_files import read_config
from engine.settings.suggestions import USUAL_MODULES, public_classes

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
    """Returns where a class is usually found, this project's first; the name itself where no place is known.

    Raises:
        InputError: It is in none of the places.
    """
    for module in USUAL_MODULES.get(path.split(".")[-1], ()):
        if name in public_classes(module):
            return f"{module}.{name}"
    if not (known := _all_classes(path)):
        return name
    near = difflib.get_close_matches(name, known, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else _choices(path)
    raise InputError(f"--{path}.help {name}: there is no such class; {hint}")


def _choices(path: str) -> str:
    if names := _all_classes(path):
        return f"there are {', '.join(names)}"
    group, dot, _ = path.partition(".")
    whole = f"; --{group}.help lists all options of the {group}" if dot and group in USUAL_MODULES else ""
    return f"its import path, such as package.Class{whole}"


def _all_classes(path: str) -> list[str]:
    modules = USUAL_MODULES.get(path.split(".")[-1], ())
    return list(dict.fromkeys(name for module in modules for name in sorted(public_classes(module))))
