"""Which code the recorded config of a run may name: a run's folder can come from anybody.

Without `--trust`, only classes of this project and of the libraries that it stands on are imported; with it, any but
those that lie in the run's folder itself.
"""

import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
OWN = ("callbacks", "core", "datamodules", "engine", "lightning_modules", "primer")
LIBRARIES = ("torch", "torchvision", "torchmetrics", "pytorch_lightning", "lightning", "lightning_fabric")
PYTHONS = {*sys.stdlib_module_names, "test"}  # modules
FILES = ("csv", "gz", "json", "tsv", "txt", "yaml", "yml")  # endings of what settings name, and no code of Python's
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def refuse_foreign_code(run: Path, config: dict[str, Any], trusted: bool) -> None:
    """Checks that a run's recorded config names no code that its folder may have been made to run.

    Nothing is imported.

    Args:
        run: The run's folder.
        config: Its config.
        trusted: Whether the user trusts whoever made it.

    Raises:
        InputError: It names other code; says which.
    """
    for key, name in _import_paths(config):
        if name.startswith("__main__."):
            raise InputError(
                f"{run / 'config.yaml'}: {key} {name} was defined in a notebook or script; put it into a module, and "
                "name that there"
            )
        if is_below(name, run):
            raise InputError(
                f"{run / 'config.yaml'}: {key} {name} is code within the run's own folder, which is never run; "
                "move the module elsewhere"
            )
        if not trusted and not is_known(name):
            raise InputError(
                f"{run / 'config.yaml'}: {key} {name} is neither of this project nor of torch, torchvision, "
                "torchmetrics or Lightning; if you trust this code, add --trust"
            )


def needs_trust(config: dict[str, Any]) -> bool:
    """Returns whether a recorded config names code for which `--trust` is needed."""
    return any(not is_known(name) for _, name in _import_paths(config))


def is_known(name: str) -> bool:
    """Returns whether an import path leads into this project or a library that it stands on.

    In a checkout, modules and packages beside `cli.py` are the project's, too.
    """
    root = name.partition(".")[0]
    if root in OWN or root in LIBRARIES:
        return True
    spec = _spec(root)
    in_checkout = (PROJECT / "setup.cfg").is_file() and spec is not None and spec.has_location
    return in_checkout and Path(spec.origin).resolve() in (PROJECT / f"{root}.py", PROJECT / root / "__init__.py")


def is_below(name: str, folder: Path) -> bool:
    """Returns whether an import path leads into a folder."""
    root, *parts = name.split(".")
    spec = _spec(root)
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


def _spec(root: str) -> ModuleSpec | None:
    """Finds a module or package at the top, without importing it; None for what is nowhere."""
    try:
        return find_spec(root)
    except (ImportError, ValueError, OSError):
        return None


def _leads_to_code(name: str) -> bool:
    """Returns whether something could be imported under a dotted name, which may also be any other text."""
    root, *parts = name.split(".")
    if root in PYTHONS and parts[-1] in FILES:  # `test.txt` is no part of Python's own `test`
        return False
    spec = _spec(root)
    if spec is None or spec.origin is not None:
        return spec is not None
    places = [Path(place) for place in spec.submodule_search_locations or ()]  # a folder that is no package itself
    below = [place.joinpath(*parts[:count]) for place in places for count in range(1, len(parts) + 1)]
    return any(path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() for path in below)


def _import_paths(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields what the parser could import: class paths, and other dotted names under which there is code."""
    if isinstance(settings, dict):
        for name, value in settings.items():
            below = key if name in ("init_args", "class_path") else f"{key}.{name}".lstrip(".")
            if name == "class_path" and isinstance(value, str) and "." in value:
                yield below, value
            else:
                yield from _import_paths(value, below)
    elif isinstance(settings, list):
        for value in settings:
            yield from _import_paths(value, key)
    elif isinstance(settings, str) and DOTTED.fullmatch(settings) and _leads_to_code(settings):
        yield key, settings
