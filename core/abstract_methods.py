"""Methods that a base leaves to its subclasses, where Lightning's modules lack the metaclass that would refuse them."""

import functools
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from core.errors import InputError


def check_complete(kind: type) -> None:
    """Checks that a class has all methods that its bases leave to it.

    Raises:
        InputError: One is missing.
    """
    for owner in kind.__mro__:
        missing = [name for name, value in vars(owner).items() if _is_abstract(value) and _is_abstract(_of(kind, name))]
        if missing:
            raise _lacks(kind, missing, owner.__name__, owner.__module__)


def left_to_subclasses(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a method abstract, and its call an error: of a data set, only what a command calls has to be there.

    Raises:
        InputError: It is called, since the subclass lacks it.
    """

    @functools.wraps(method)
    def missing(self: object, *_: Any, **__: Any) -> NoReturn:
        raise _lacks(type(self), [method.__name__], method.__qualname__.split(".")[-2], method.__module__)

    return abstractmethod(missing)


def _lacks(kind: type, missing: Sequence[str], owner: str, module: str) -> InputError:
    words = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
    return InputError(f"{kind.__name__} lacks {words}, which every {owner} has (see {module})")


def _of(kind: type, name: str) -> object:
    return getattr(kind, name, None)


def _is_abstract(value: object) -> bool:
    return bool(getattr(value, "__isabstractmethod__", False))
