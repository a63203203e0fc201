"""Which code others may name in a config or a checkpoint: this project's, its libraries', and what the user's list has.

A name is on the list once its user has trained with it, or has given `--trust`. Nothing is imported here.
"""

import contextlib
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from core.code.installed import ROOT

OWN = ("callbacks", "core", "datamodules", "engine", "inspection", "lightning_modules", "primer", "studies")
LIBRARIES = ("torch", "torchvision", "torchmetrics", "pytorch_lightning", "lightning", "lightning_fabric")


def is_known(name: str) -> bool:
    """Returns whether an import path leads into this project or a library that it stands on.

    In a checkout, modules and packages beside `cli.py` are the project's, too.
    """
    root = name.partition(".")[0]
    if root in OWN or root in LIBRARIES:
        return True
    spec = top_module(root)
    in_checkout = (ROOT / "setup.cfg").is_file() and spec is not None and spec.has_location
    return in_checkout and Path(spec.origin).resolve() in (ROOT / f"{root}.py", ROOT / root / "__init__.py")


def may_be_named(name: str) -> bool:
    """Returns whether others may name an import path: it is known, or on the user's list."""
    return is_known(name) or _line(name) in _lines()


def add_to_list(names: Iterable[str]) -> list[str]:
    """Puts import paths on the user's list, if it can be written and their code is in a file or folder.

    Returns:
        The names that were not on it.
    """
    if not (others := [name for name in dict.fromkeys(names) if not is_known(name)]):
        return []
    lines = _lines()
    new = {name: line for name in others if (line := _line(name)) not in lines}
    path = list_file()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:  # in one piece, beside other processes
            file.write("".join(f"{line}\n" for line in new.values() if line is not None))
    return [*new]


def list_file() -> Path:
    """Returns the user's list: a name and the file or folder of its code, in each line."""
    from platformdirs import user_state_path  # few commands need it

    return user_state_path("primer", appauthor=False) / "known_code.txt"


def top_module(root: str) -> ModuleSpec | None:
    """Finds a module or package at the top, without importing it; None for what is nowhere."""
    try:
        return find_spec(root)
    except (ImportError, ValueError, OSError):
        return None


def _lines() -> set[str]:
    try:
        return {*list_file().read_text(encoding="utf-8").splitlines()}
    except (OSError, ValueError):  # there is none, or nobody could have written it
        return set()


def _line(name: str) -> str | None:
    """Returns the line of an import path; None where there is no code."""
    root = name.partition(".")[0]
    spec = top_module(root)
    if spec is None or root in sys.builtin_module_names:
        return None
    places = [spec.origin] if spec.has_location else [*(spec.submodule_search_locations or ())]
    return f"{name}\t{Path(places[0]).resolve()}" if places else None
