"""Finds in settings what the parser could import; nothing is imported here."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from core.code.known_code import top_module
from engine.settings.config_files import load_settings

PYTHONS = {*sys.stdlib_module_names, "test"}  # modules
FILES = ("csv", "gz", "json", "tsv", "txt", "yaml", "yml")  # endings of what settings name, and no code of Python's
LONGEST = 250  # bytes of a file's name, without its ending
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def import_paths(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields the import paths in settings, each with its dotted key: class paths, and other names of code."""
    if isinstance(settings, dict):
        for name, value in settings.items():
            below = key if name in ("init_args", "class_path") else f"{key}.{name}".lstrip(".")
            if name == "class_path" and isinstance(value, str) and "." in value:
                yield below, value
            else:
                yield from import_paths(value, below)
    elif isinstance(settings, list):
        for value in settings:
            yield from import_paths(value, key)
    elif isinstance(settings, str) and DOTTED.fullmatch(settings) and _leads_to_code(settings):
        yield key, settings


def names_in_words(words: Iterable[str]) -> Iterator[str]:
    """Yields the import paths that the words of a command line name."""
    for word in words:
        value = word.partition("=")[2] if word.startswith("--") else word
        try:
            settings = load_settings(value)
        except yaml.YAMLError:  # no settings
            continue
        yield from (name for _, name in import_paths(settings))


def is_below(name: str, folder: Path) -> bool:
    """Returns whether an import path leads into a folder."""
    root, *parts = name.split(".")
    if not _can_be_files(name):
        return False
    spec = top_module(root)
    if spec is None:  # the parser goes into the folder of a config to read it
        return (folder / f"{root}.py").exists() or (folder / root).is_dir()
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if spec.has_location:
        places.append(Path(spec.origin))
    folder = folder.resolve()
    for place in places:
        for count in range(len(parts) + 1):
            if place.joinpath(*parts[:count]).resolve().is_relative_to(folder):
                return True
    return False


def _can_be_files(name: str) -> bool:
    """Returns whether the parts of an import path can be names of files."""
    return "\0" not in name and all(len(part.encode(errors="replace")) < LONGEST for part in name.split("."))


def _leads_to_code(name: str) -> bool:
    """Returns whether something could be imported under a dotted name, which may also be any other text."""
    root, *parts = name.split(".")
    if (root in PYTHONS and parts[-1] in FILES) or not _can_be_files(name):  # `test.txt` is no part of Python's `test`
        return False
    spec = top_module(root)
    if spec is None or spec.origin is not None:
        return spec is not None
    places = [Path(place) for place in spec.submodule_search_locations or ()]  # a folder that is no package itself
    below = [place.joinpath(*parts[:count]) for place in places for count in range(1, len(parts) + 1)]
    return any(path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() for path in below)
