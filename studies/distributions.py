"""What a parameter of a study may be: all its values, or how one is drawn."""

import math
import random
from dataclasses import dataclass
from typing import Any

MOST_IN_GRID = 1000  # values of a range that a grid goes through
ROUNDING = 1e-9  # of a step, by which a quotient may miss a whole number


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

    def first(self, most: int) -> list[Any]:
        """Returns as many values as asked for, or all if there are fewer."""
        return self.values[:most]

    def examples(self) -> list[Any]:
        """Returns values of every kind."""
        return self.values


@dataclass(frozen=True)
class Range:
    """A number between two others, both included; with a step, one of its multiples there.

    Attributes:
        low: The least.
        high: The largest.
        is_integer: Whether it is a whole number.
        is_log: Whether its logarithm is distributed evenly, and not itself.
        step: What it is a multiple of, if of anything; a whole number has whole multiples.
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
        first, last = self.ends
        return min(max(multiple(math.exp(value) if self.is_log else value, self.step), first), last)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest of its values; the second is less than the first if there are none."""
        if self.is_integer:
            return int(self.low), int(self.high)
        if self.step is None:
            return self.low, self.high
        # 0.3 / 0.1 is a little less than 3, and 1.1 / 0.1 a little more than 11
        first, last = math.ceil(self.low / self.step - ROUNDING), math.floor(self.high / self.step + ROUNDING)
        return multiple(first * self.step, self.step), multiple(last * self.step, self.step)

    def all(self) -> list[float] | None:
        """Returns all values; None if there are too many."""
        values = self.first(MOST_IN_GRID + 1)
        return values if 0 < len(values) <= MOST_IN_GRID else None

    def first(self, most: int) -> list[float]:
        """Returns as many values as asked for, from the least on, or all if there are fewer; none if they are dense."""
        step, (first, last) = 1 if self.is_integer else self.step, self.ends
        if step is None or first == last:
            return [first] if first == last else []
        values = [first + place * step for place in range(min(most, round((last - first) / step) + 1))]
        return values if self.is_integer else [multiple(value, step) for value in values]

    def examples(self) -> list[float]:
        """Returns both ends."""
        return [*self.ends]


@dataclass(frozen=True)
class Normal:
    """A number that is distributed normally, or whose logarithm is.

    Attributes:
        mu: The mean.
        sigma: The standard deviation.
        is_log: Whether both are of the logarithm.
        step: What it is a multiple of, if of anything; a whole number has whole multiples.
    """

    mu: float
    sigma: float
    is_log: bool = False
    step: float | None = None

    def draw(self, rng: random.Random) -> float:
        """Draws a value."""
        value = rng.gauss(self.mu, self.sigma)
        return multiple(math.exp(value) if self.is_log else value, self.step)

    def all(self) -> list[float] | None:
        """Returns the one value if there is no deviation; else None: there are too many."""
        return self.first(1) or None

    def first(self, most: int) -> list[float]:
        """Returns the one value if there is no deviation; else none: there is no least one."""
        return [] if self.sigma else self.examples()

    def examples(self) -> list[float]:
        """Returns the median."""
        return [multiple(math.exp(self.mu) if self.is_log else self.mu, self.step)]


Parameter = Choice | Range | Normal


def multiple(value: float, step: float | None) -> float:
    """Returns the nearest multiple, which is an int if the step is one."""
    return value if step is None else round(round(value / step) * step, 12)
