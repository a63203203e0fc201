"""What a parameter of a study may be: all its values, or how one is drawn."""

import math
import random
from dataclasses import dataclass
from typing import Any

MOST_IN_GRID = 1000  # values of a range that a grid goes through


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


def _multiple(value: float, step: float | None) -> float:
    return value if step is None else round(round(value / step) * step, 12)
