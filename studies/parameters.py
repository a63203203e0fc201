"""The parameters of a study: what each may be, and how a value is drawn."""

import contextlib
import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InputError

MOST_IN_GRID = 1000  # values of a range that a grid goes through
UNIFORM = {
    "uniform": "uniform",
    "int_uniform": "int",
    "q_uniform": "uniform",
    "log_uniform": "exponent",
    "q_log_uniform": "exponent",
    "log_uniform_values": "log",
    "q_log_uniform_values": "log",
}
NORMAL = {"normal": False, "q_normal": False, "log_normal": True, "q_log_normal": True}
DISTRIBUTIONS = {  # what each takes
    "constant": ("value",),
    "categorical": ("values", "probabilities"),
    "categorical_w_probabilities": ("values", "probabilities"),
    **{name: ("min", "max", "q") if name.startswith("q_") else ("min", "max") for name in UNIFORM},
    **{name: ("mu", "sigma", "q") if name.startswith("q_") else ("mu", "sigma") for name in NORMAL},
}


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes:
        values: The values, of any type that YAML has.
        weights: How probable each is; equally if None.
    """

    values: list[Any]
    weights: list[float] | None = None

    def draw(self, rng: random.Random) -> Any:
        """Draws a value."""
        return rng.choices(self.values, self.weights)[0]

    def all(self) -> list[Any]:
        """Returns all values."""
        return self.values

    def examples(self) -> list[Any]:
        """Returns values of every kind."""
        return self.values


@dataclass(frozen=True)
class Range:
    """A number between two others, both included.

    Attributes:
        low: The least.
        high: The largest.
        is_integer: Whether it is a whole number.
        is_log: Whether its logarithm is distributed evenly, and not itself.
        step: What it is a multiple of, if of anything.
    """

    low: float
    high: float
    is_integer: bool = False
    is_log: bool = False
    step: float | None = None

    def draw(self, rng: random.Random) -> float:
        """Draws a value."""
        if self.is_integer:
            return rng.randint(int(self.low), int(self.high))
        value = (
            rng.uniform(math.log(self.low), math.log(self.high)) if self.is_log else rng.uniform(self.low, self.high)
        )
        return _multiple(math.exp(value) if self.is_log else value, self.step)

    def all(self) -> list[float] | None:
        """Returns all values; None if there are too many."""
        step = 1 if self.is_integer else self.step
        if step is None or self.is_log or (self.high - self.low) / step >= MOST_IN_GRID:
            return None
        if self.is_integer:
            return [*range(int(self.low), int(self.high) + 1)]
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [_multiple(place * step, step) for place in range(first, last + 1)]

    def examples(self) -> list[float]:
        """Returns both ends."""
        ends = [int(self.low), int(self.high)] if self.is_integer else [self.low, self.high]
        return [_multiple(end, self.step) for end in ends]


@dataclass(frozen=True)
class Normal:
    """A number that is distributed normally, or whose logarithm is.

    Attributes:
        mu: The mean.
        sigma: The standard deviation.
        is_log: Whether both are of the logarithm.
        step: What it is a multiple of, if of anything.
    """

    mu: float
    sigma: float
    is_log: bool = False
    step: float | None = None

    def draw(self, rng: random.Random) -> float:
        """Draws a value."""
        value = rng.gauss(self.mu, self.sigma)
        return _multiple(math.exp(value) if self.is_log else value, self.step)

    def all(self) -> None:
        """Returns None: there are too many values."""

    def examples(self) -> list[float]:
        """Returns the median."""
        return [_multiple(math.exp(self.mu) if self.is_log else self.mu, self.step)]


Parameter = Choice | Range | Normal


def read_parameters(content: Any, where: str = "parameters") -> dict[str, Parameter]:
    """Reads the parameters of a study's file.

    Args:
        content: What the file has under `parameters`, or under that of a parameter.
        where: Its place in the file.

    Returns:
        Parameters by dotted key, without `init_args` and `class_path`.

    Raises:
        InputError: One is not as W&B's format has it.
    """
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{where}: a mapping of parameters is needed, such as 'model.dropout: {{values: [0.0, 0.5]}}'")
    found: dict[str, Parameter] = {}
    for name, stated in content.items():
        place = f"{where}: {name}"
        if not isinstance(stated, Mapping):
            raise InputError(f"{place}: needs 'value', 'values', or 'min' and 'max', such as '{{values: [0.1, 0.01]}}'")
        if "parameters" in stated:
            inner = read_parameters(stated["parameters"], place)
            found |= {_plain(f"{name}.{below}"): parameter for below, parameter in inner.items()}
        else:
            found[_plain(str(name))] = _read(stated, place)
    return found


def _read(stated: Mapping[str, Any], place: str) -> Parameter:
    kind = stated.get("distribution", _usual(stated))
    if kind not in DISTRIBUTIONS:
        reason = f"distribution {kind}: there are {', '.join(DISTRIBUTIONS)}"
        raise InputError(f"{place}: {reason if kind else 'needs value, values, or min and max'}")
    if unknown := [name for name in stated if name not in (*DISTRIBUTIONS[kind], "distribution")]:
        raise InputError(
            f"{place}: '{unknown[0]}' is not for the distribution {kind}, which takes {', '.join(DISTRIBUTIONS[kind])}"
        )
    if kind == "constant":
        return Choice([_value(stated, "value", place)])
    if kind.startswith("categorical"):
        return _choice(stated, place)
    step = float(_number(stated, "q", place, 1)) if kind.startswith("q_") else None
    if kind in NORMAL:
        return Normal(_number(stated, "mu", place, 0), _number(stated, "sigma", place, 1), NORMAL[kind], step)
    low, high = (_number(stated, name, place) for name in ("min", "max"))
    if UNIFORM[kind] == "exponent":  # of e
        low, high = math.exp(low), math.exp(high)
    is_log = UNIFORM[kind] in ("log", "exponent")
    if low > high or (is_log and low <= 0):
        raise InputError(f"{place}: min {low:g} and max {high:g} leave nothing{' above 0' if low <= 0 else ''}")
    return Range(low, high, UNIFORM[kind] == "int", is_log, step)


def _choice(stated: Mapping[str, Any], place: str) -> Choice:
    values, weights = _value(stated, "values", place), stated.get("probabilities")
    if not isinstance(values, list) or not values:
        raise InputError(f"{place}: values: a list of at least one is needed")
    if len({json.dumps(value, sort_keys=True, default=str) for value in values}) < len(values):
        raise InputError(
            f"{place}: values: one stands twice, and no point is tried twice; seeds are a parameter or --seeds"
        )
    if weights is not None and (not isinstance(weights, list) or len(weights) != len(values)):
        raise InputError(f"{place}: probabilities: one for each value is needed")
    return Choice(values, weights)


def _usual(stated: Mapping[str, Any]) -> str:
    """Returns the distribution that W&B takes where none is named."""
    if "value" in stated:
        return "constant"
    if "values" in stated:
        return "categorical"
    if "min" in stated and "max" in stated:
        whole = all(isinstance(stated[name], int) for name in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    return "normal" if "mu" in stated else ""


def _value(stated: Mapping[str, Any], name: str, place: str) -> Any:
    if name not in stated:
        raise InputError(f"{place}: needs '{name}'")
    return stated[name]


def _number(stated: Mapping[str, Any], name: str, place: str, default: float | None = None) -> float:
    value = stated.get(name, default)
    if isinstance(value, str):  # YAML reads 1e-3 as a text
        with contextlib.suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"{place}: {name} {value}: a number is needed" if name in stated else f"{place}: needs '{name}'"
        )
    return value


def _multiple(value: float, step: float | None) -> float:
    return value if step is None else round(round(value / step) * step, 12)


def _plain(name: str) -> str:
    """Returns a dotted key as settings are named: a class is named by the setting that takes it."""
    return ".".join(part for part in name.split(".") if part != "init_args").removesuffix(".class_path")
