"""The parameters of a study, as its file states them."""

import contextlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from core.errors import InputError
from studies.distributions import Choice, Normal, Parameter, Range

WITH_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")  # numbers such as 1e-3, which YAML reads as texts
MOST_EXPONENT = 700  # of e, beyond which numbers are infinite
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
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
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
    step = read_number(stated, "q", place, 1) if kind.startswith("q_") else None
    if step is not None and step <= 0:
        raise InputError(f"{place}: q {step:g}: more than 0 is needed")
    if kind in NORMAL:
        mu, sigma = read_number(stated, "mu", place, 0), read_number(stated, "sigma", place, 1)
        if sigma < 0 or (NORMAL[kind] and abs(mu) + 10 * sigma > MOST_EXPONENT):
            raise InputError(f"{place}: mu {mu:g} and sigma {sigma:g}: numbers that can be drawn are needed")
        return Normal(mu, sigma, NORMAL[kind], step)
    low, high = (read_number(stated, name, place) for name in ("min", "max"))
    if UNIFORM[kind] == "exponent":  # of e
        if max(abs(low), abs(high)) > MOST_EXPONENT:
            raise InputError(f"{place}: min {low:g} and max {high:g} are exponents of e: at most {MOST_EXPONENT}")
        low, high = math.exp(low), math.exp(high)
    is_log = UNIFORM[kind] in ("log", "exponent")
    if low > high or (is_log and low <= 0):
        raise InputError(f"{place}: min {low:g} and max {high:g} leave nothing{' above 0' if low <= 0 else ''}")
    found = Range(low, high, UNIFORM[kind] == "int", is_log, step)
    if found.is_integer and found.ends != (low, high):
        raise InputError(f"{place}: min {low:g} and max {high:g}: the distribution {kind} needs whole numbers")
    if found.ends[0] > found.ends[1]:
        raise InputError(f"{place}: no multiple of q {step:g} is from min {low:g} to max {high:g}")
    return found


def _choice(stated: Mapping[str, Any], place: str) -> Choice:
    values, weights = _value(stated, "values", place), stated.get("probabilities")
    if not isinstance(values, list) or not values:
        raise InputError(f"{place}: values: a list of at least one is needed")
    if len({json.dumps(value, sort_keys=True, default=str) for value in values}) < len(values):
        raise InputError(
            f"{place}: values: one stands twice, and no point is tried twice; seeds are a parameter or --seeds"
        )
    if weights is not None:
        if not isinstance(weights, list) or len(weights) != len(values):
            raise InputError(f"{place}: probabilities: one for each value is needed")
        weights = [read_number({"probabilities": weight}, "probabilities", place) for weight in weights]
        if min(weights) < 0 or not sum(weights) > 0:
            raise InputError(f"{place}: probabilities: numbers from 0 on, not all of them 0, are needed")
        # no point may have an improbable value, also where all others are taken
        values = [value for value, weight in zip(values, weights, strict=True) if weight]
        weights = [weight for weight in weights if weight]
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
    return _as_read_by_runs(stated[name])


def _as_read_by_runs(value: Any) -> Any:
    """Returns a value with numbers for the texts in it that a run reads as numbers."""
    if isinstance(value, Mapping):
        return {name: _as_read_by_runs(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_read_by_runs(one) for one in value]
    return float(value) if isinstance(value, str) and WITH_EXPONENT.fullmatch(value) else value


def read_number(stated: Mapping[str, Any], name: str, place: str, default: float | None = None) -> float:
    """Returns a finite number of a study's file.

    Args:
        stated: The part of the file that has it.
        name: Its name there.
        place: Which part that is.
        default: What it is if it is not stated; it must be if None.

    Raises:
        InputError: It is missing, or something else.
    """
    if name not in stated and default is None:
        raise InputError(f"{place}: needs '{name}'")
    value = stated.get(name, default)
    if isinstance(value, str):  # YAML reads 1e-3 as a text
        with contextlib.suppress(ValueError):
            value = float(value)
    if not is_number(value) or not math.isfinite(value):
        raise InputError(f"{place}: {name} {value}: a number is needed")
    return value


def is_number(value: Any) -> bool:
    """Returns whether a value is a number; `true` and `false`, which Python counts as such, are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(name: str) -> str:
    """Returns a dotted key as settings are named: a class is named by the setting that takes it."""
    return ".".join(part for part in name.split(".") if part != "init_args").removesuffix(".class_path")
