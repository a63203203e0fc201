"""What a setting of `null` means for a class's argument: nothing, where that is possible, or the defaults of a group.

The parser takes null for any argument of a class and leaves it to the class, which would fail later, or not at all.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from jsonargparse import Namespace
from jsonargparse._parameter_resolvers import get_signature_parameters
from jsonargparse._util import import_object

from engine.settings.error_messages import Mistake
from engine.settings.mistakes import Refused


def settle_nulls(settings: Any, key: str = "") -> None:
    """Gives groups of settings that are null their defaults, in place.

    Args:
        settings: What was parsed: a namespace, a list, or a value.
        key: Its dotted key.

    Raises:
        Refused: Another argument is null that cannot be nothing.
    """
    if isinstance(settings, list):
        for part in settings:
            settle_nulls(part, key)
    if not isinstance(settings, Namespace):
        return
    arguments = vars(settings).get("init_args")
    if isinstance(vars(settings).get("class_path"), str) and isinstance(arguments, Namespace):
        if any(value is None for value in vars(arguments).values()):
            settle_arguments(arguments, import_object(settings.class_path), key)
        for name, value in vars(arguments).items():
            settle_nulls(value, f"{key}.{name}")
        return
    for name, value in vars(settings).items():
        settle_nulls(value, f"{key}.{name}".lstrip("."))


def settle_arguments(arguments: Namespace, owner: Any, key: str) -> None:
    """Gives those arguments of one class that are null and groups of settings their defaults, in place.

    Args:
        arguments: What was parsed.
        owner: The class, or what else is called with them.
        key: The dotted key that they stand below.

    Raises:
        Refused: Another argument is null that cannot be nothing.
    """
    for name in [name for name, value in vars(arguments).items() if value is None]:
        arguments[name] = _settled(owner, name, f"{key}.{name}")


def _settled(owner: Any, name: str, key: str) -> Any:
    """Returns what an argument is that was set to null."""
    parameter = _parameter(owner, name)
    if parameter is None or parameter.default in (None, parameter.empty) or _takes_nothing(parameter.annotation):
        return None
    if is_dataclass(parameter.default):
        return Namespace(asdict(parameter.default))
    raise Refused(Mistake(f"expected {_in_words(parameter.annotation)}", key, "null"))


def _parameter(owner: Any, name: str) -> inspect.Parameter | None:
    """Returns the parameter of a class, or of the class above it to which it hands its other arguments."""
    for kind in inspect.getmro(owner) if inspect.isclass(owner) else ():
        if "__init__" in vars(kind):
            parameter = inspect.signature(kind.__init__).parameters.get(name)
            if parameter is not None:
                return _with_type(parameter, kind)
    return None


def _with_type(parameter: inspect.Parameter, owner: type) -> inspect.Parameter:
    """Returns a parameter with its type, where a module that puts annotations off has the type's text.

    It is Any where the text has a name that only type checkers know.
    """
    if not isinstance(parameter.annotation, str):
        return parameter
    types = {one.name: one.annotation for one in get_signature_parameters(owner)}
    known = types.get(parameter.name, Any)
    return parameter.replace(annotation=Any if isinstance(known, str) else known)


def _takes_nothing(annotation: Any) -> bool:
    return annotation in (Any, inspect.Parameter.empty) or any(
        kind in (None, NoneType) for kind in get_args(annotation)
    )


def _in_words(annotation: Any) -> str:
    kind = get_origin(annotation)
    if kind is Literal:
        return f"one of {', '.join(map(repr, get_args(annotation)))}"
    if kind is Callable:  # such as an optimizer's, which a setting names by its class
        return "a class"
    name = annotation.__name__ if kind is None and inspect.isclass(annotation) else str(annotation)
    return re.sub(r"\w+\.", "", name)  # without modules
