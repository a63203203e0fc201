"""Measures: what a model logs, how values are formatted, and which one selects the best weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from core.errors import InputError

Mode = Literal["min", "max"]
MODES = get_args(Mode)
MOST_DIGITS = 17  # that tell floats from each other
OF_TESTS = ("test/", "test_")  # how logged names of test figures begin; the second in modules of other packages
LARGE = 1e6  # from where on decimal places tell nothing


def merit(value: float, mode: str) -> float:
    """Returns a number that is greater, the better a value is.

    Args:
        value: The value.
        mode: Whether less (`min`) or more (`max`) of it is better.
    """
    return value if mode == "max" else -value


def standard_deviation(values: Sequence[float]) -> float | None:
    """Returns the standard deviation of what several runs have reached, as a sample's; None for fewer than two.

    It is NaN where one of the values is not finite.
    """
    if len(values) < 2:
        return None
    return stdev(values) if all(map(math.isfinite, values)) else math.nan


@dataclass(frozen=True)
class Measure:
    """One number that a model logs under `train/`, `val/` and `test/`.

    Attributes:
        name: Its name after the slash, such as `loss` in `val/loss`.
        better: Whether less (`min`) or more (`max`) of it is better.
        unit: Unit of the value; `%` for a share of 1, which is shown in percent.
        digits: Decimal places in the line of an epoch.
        words: Its name in a sentence, if different, such as `accuracy`.

    Raises:
        InputError: `better` or `digits` is something else.
    """

    name: str
    better: Mode
    unit: str = ""
    digits: int = 3
    words: str = ""

    def __post_init__(self) -> None:
        if self.better not in MODES:
            raise InputError(f"Measure({self.name!r}): better is {self.better!r}; it is {' or '.join(MODES)}")
        if not _are_digits(self.digits):
            raise InputError(f"Measure({self.name!r}): digits is {self.digits!r}; it is 0 to {MOST_DIGITS - 1}")

    @property
    def title(self) -> str:
        """Label of a plot's axis, such as `accuracy (%)`."""
        if self.words and self.unit:
            return f"{self.words} ({self.unit})"
        return self.words or self.unit or self.name

    @property
    def scale(self) -> int:
        """Factor on values in a plot: 100 for percent."""
        return 100 if self.unit == "%" else 1

    def format(self, value: float, more_digits: int = 0) -> str:
        """Returns a value as text, a share of 1 in percent, a large one to four significant digits.

        Args:
            value: The value.
            more_digits: Decimal places beyond `digits`; percentages have no more.
        """
        if self.unit == "%":
            return f"{value:.{self.digits}%}"
        return f"{value:.4g}" if abs(value) >= LARGE else f"{value:.{self.digits + more_digits}f}"


@runtime_checkable
class Measured(Protocol):
    """A model or a callback that lists what it logs."""

    measures: tuple[Measure, ...]


@runtime_checkable
class Monitored(Protocol):
    """A model that names the logged value that decides which weights are best, such as `val/acc`."""

    monitor: str


def measures_of(*owners: Any) -> dict[str, Measure]:
    """Returns the measures of a model and of callbacks by name; empty for those that list none.

    Args:
        owners: Models and callbacks; an attribute `measures` of another type is ignored.
    """
    found: dict[str, Measure] = {}
    for owner in owners:
        listed = owner.measures if isinstance(owner, Measured) else ()
        if isinstance(listed, tuple):
            found |= {measure.name: measure for measure in listed if isinstance(measure, Measure)}
    return found


def measure_of(logged: str, measures: Mapping[str, Measure]) -> Measure | None:
    """Returns the measure of a logged name such as `val/acc`, or None if no such measure is listed."""
    part, slash, name = logged.partition("/")
    return measures.get(name) if slash and part in ("train", "val", "test") else None


def format_value(logged: str, value: float, measures: Mapping[str, Measure], more_digits: int = 0) -> str:
    """Returns the value of a logged name as text; to four significant digits where no measure is listed."""
    measure = measure_of(logged, measures)
    return f"{value:.4g}" if measure is None else measure.format(value, more_digits)


def format_figure(logged: str, value: float, measures: Mapping[str, Measure], deviation: float | None = None) -> str:
    """Returns what a run has reached, or several on average, as text: `93.41 %`, `93.41 ± 0.12 %`, `0.934 ± 0.012`.

    A share is in percent, with its measure's decimal places. Any other value has four significant digits, and beside a
    deviation as many decimal places as two significant digits of that need, as long as these are no more than five of
    its own.

    Args:
        logged: Its logged name.
        value: The value.
        measures: What is known of each measure, by its name.
        deviation: Its standard deviation over several runs.
    """
    measure = measure_of(logged, measures)
    if measure is not None and measure.unit == "%":
        numbers = [value] if deviation is None else [value, deviation]
        return " ± ".join(f"{measure.scale * number:.{measure.digits}f}" for number in numbers) + " %"
    if not (deviation and math.isfinite(deviation) and math.isfinite(value)):
        return f"{value:#.4g}".removesuffix(".") + ("" if deviation is None else f" ± {deviation:g}")
    digits = 1 - math.floor(math.log10(deviation))
    most = 4 - math.floor(math.log10(abs(value))) if value else digits
    digits = max(0, min(digits, most))
    return f"{value:.{digits}f} ± {deviation:.{digits}f}"


def stated_measures(summary: Mapping[str, Any]) -> dict[str, Measure]:
    """Returns the measures that a run's summary states, by name; what cannot be understood is left out."""
    stated = summary.get("measures")
    found: dict[str, Measure] = {}
    for name, entry in stated.items() if isinstance(stated, dict) else ():
        if isinstance(entry, dict) and entry.get("better") in MODES:
            digits = entry.get("digits")
            known = {"digits": digits} if _are_digits(digits) else {}
            found[name] = Measure(name, entry["better"], unit=str(entry.get("unit", "")), **known)
    return found


def format_values(figures: Mapping[str, float], measures: Mapping[str, Measure]) -> str:
    """Returns values by measure in one line, percentages aligned, such as `loss 1.234 acc 56.78%`."""
    texts = []
    for name, value in figures.items():
        measure = measures.get(name)
        text = f"{value:.4g}" if measure is None else measure.format(value)
        texts.append(f"{name} {text:>6}" if measure is not None and measure.unit == "%" else f"{name} {text}")
    return " ".join(texts)


def describe_monitor(monitor: str, measures: Mapping[str, Measure]) -> str:
    """Returns the monitored value in words, such as `validation accuracy`, or its logged name if it has none."""
    measure = measure_of(monitor, measures)
    return f"validation {measure.words}" if measure is not None and measure.words else monitor


def check_monitor(option: str, monitor: str, model: Any) -> None:
    """Checks the logged name that an option monitors.

    A model that lists its measures logs these in validation. What another model logs is known only after it has run,
    so any name except a test metric is accepted.

    Args:
        option: The option that names it.
        monitor: The logged name.
        model: The model.

    Raises:
        InputError: It is a test metric, or the model does not log it in validation.
    """
    names = [f"val/{name}" for name in measures_of(model)]
    is_test = monitor.startswith(OF_TESTS)
    if monitor in names or (monitor and not names and not is_test):
        return
    reason = "the test set selects nothing" if is_test else "no validation metric"
    raise InputError(f"{option} {monitor}: {reason}; {_choices(names)}")


def choose_monitor(option: str, monitor: str | None, mode: Mode | None, model: Any) -> tuple[str | None, Mode]:
    """Returns the logged name to monitor, and whether more or less of it is better.

    Args:
        option: The option that names it.
        monitor: The name, if one is given; else the model's own `monitor`, if it has one, which is then named.
        mode: Which is better, if given; else the measure of that name states it, and without a measure less is better.
        model: The model.

    Returns:
        The name, None if there is none, and the mode.

    Raises:
        InputError: It is a test metric, or the model does not log it in validation.
    """
    if monitor is None and isinstance(model, Monitored) and isinstance(model.monitor, str):
        option, monitor = f"{type(model).__name__}.monitor", model.monitor
    if monitor is None:
        return None, mode or "min"
    check_monitor(option, monitor, model)
    measure = measure_of(monitor, measures_of(model))
    return monitor, mode or ("min" if measure is None else measure.better)


def _are_digits(value: Any) -> bool:
    """Returns whether a value is a number of decimal places."""
    return type(value) is int and 0 <= value < MOST_DIGITS


def _choices(names: list[str]) -> str:
    return f"there are {', '.join(names)}" if names else "name one that is logged in training or validation"
