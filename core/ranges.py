"""Ranges of settings, which constructors check, so that nonsense is refused before anything is made."""

import math
from collections.abc import Sequence

from core.errors import InputError


def check_range(
    name: str, value: float, least: float = 0.0, most: float = math.inf, *, above: bool = False, below: bool = False
) -> None:
    """Checks that a number lies in its range.

    Args:
        name: Its name, such as `model.dropout`.
        value: The number.
        least: The lower end.
        most: The upper end.
        above: The number must not be the lower end itself.
        below: The number must not be the upper end itself.

    Raises:
        InputError: It does not; names the range.
    """
    fits = (value > least if above else value >= least) and (value < most if below else value <= most)
    if not fits:  # also of what is no number
        lower = f"{'more than' if above else 'at least'} {least:g}"
        upper = "" if most == math.inf else f" and {'less than' if below else 'at most'} {most:g}"
        shown = f"{value}" if isinstance(value, int) else f"{value:g}"
        raise InputError(f"{name} is {shown}: {lower}{upper} is needed")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Checks that a text is one of those that there are.

    Args:
        name: Its name, such as `data.encoding.tokenizer`.
        value: The text.
        choices: Those that there are.

    Raises:
        InputError: It is not; names them.
    """
    if value not in choices:
        raise InputError(f"{name} is {value}: one of {', '.join(choices)} is needed")
