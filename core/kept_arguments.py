"""The arguments that an object was made with, so that a record can state them."""

import inspect
from typing import Any, Self


class KeepsArguments:
    """Keeps the arguments of its constructor as `kept_arguments`.

    Those with a default that are not given are there too, except what a `**keyword` passes on to a base class.
    """

    kept_arguments: dict[str, Any]

    def __new__(cls, *arguments: Any, **settings: Any) -> Self:
        """Makes the object, and notes the arguments; a copy, which is made without any, gets them by copying."""
        made = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(made, *arguments, **settings)
        except TypeError:  # a copy; or __init__ will say what is wrong
            return made
        bound.apply_defaults()
        kept: dict[str, Any] = {}
        for parameter, (name, value) in zip(bound.signature.parameters.values(), bound.arguments.items(), strict=True):
            kept |= value if parameter.kind is inspect.Parameter.VAR_KEYWORD else {name: value}
        made.__dict__["kept_arguments"] = dict(list(kept.items())[1:])  # the first is the object itself
        return made
