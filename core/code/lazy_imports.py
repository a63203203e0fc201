"""Imports of a package's classes at their first use, so that a start loads only those that it needs."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_imports(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """Returns a package's `__getattr__` and `__all__`, for classes that are imported when they are first used.

    Type checkers do not follow such an import: the package imports the same names under `TYPE_CHECKING` too.

    Args:
        package: Name of the package.
        modules: Name of the module in the package that defines each class.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return get, [*modules]
