"""Data that was loaded before a process was forked, so that many runs of the same data load it once."""

from typing import Any, Protocol

_loaded: dict[str, dict[str, Any]] = {}  # what loading has set, by class and arguments


class Loads(Protocol):
    """A data module: its arguments, and names of those that may differ when a run continues."""

    kept_arguments: dict[str, Any]
    changeable: tuple[str, ...]


def keep_loaded(data: Loads, before: dict[str, Any]) -> None:
    """Keeps the attributes that loading has set in a data module, for others with the same arguments.

    What loading has changed within an object that was there before is not seen, and so not kept.

    Args:
        data: The data module, which is loaded.
        before: Its attributes before that.
    """
    absent = object()
    _loaded[_key(data)] = {name: value for name, value in vars(data).items() if before.get(name, absent) is not value}


def take_loaded(data: Loads) -> bool:
    """Gives a data module what another with the same arguments has loaded; returns whether there was one."""
    found = _loaded.get(_key(data)) if _loaded else None
    vars(data).update(found or {})
    return found is not None


def _key(data: Loads) -> str:
    free = {"eval_batch_size"} & {*data.changeable}  # where it decides nothing but the size of batches
    arguments = {name: value for name, value in data.kept_arguments.items() if name not in free}
    return f"{type(data).__module__}.{type(data).__qualname__} {arguments}"
