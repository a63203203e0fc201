"""Values are drawn from where they are said to be."""

import random
from typing import Any

import pytest

from studies.distributions import Choice, Normal, Range


@pytest.mark.parametrize(
    ("parameter", "median"),
    [
        (Range(2, 4), 3),
        (Range(1e-4, 1, is_log=True), 1e-2),
        (Range(0, 10, is_integer=True), 5),
        (Normal(3, 1), 3),
        (Normal(0, 1, is_log=True), 1),
        (Range(0, 1, step=0.25), 0.5),
        (Range(0.1, 0.9, step=0.25), 0.5),
    ],
)
def test_draws_lie_around_the_median_and_within_the_ends(parameter: Any, median: float) -> None:
    rng = random.Random(0)
    drawn = sorted(parameter.draw(rng) for _ in range(999))
    assert drawn[399] <= median * 1.0001
    assert drawn[599] >= median * 0.9999
    if isinstance(parameter, Range):
        assert parameter.low <= drawn[0]
        assert drawn[-1] <= parameter.high
        assert parameter.step is None or [*dict.fromkeys(drawn)] == parameter.all()
        assert all(parameter.low <= one <= parameter.high for one in parameter.examples())


def test_probabilities_count() -> None:
    rng = random.Random(0)
    drawn = [Choice(["a", "b"], [0.9, 0.1]).draw(rng) for _ in range(1000)]
    assert 850 < drawn.count("a") < 950


def test_a_grid_goes_through_whole_numbers_and_steps_and_no_other_range() -> None:
    assert Range(1, 4, is_integer=True).all() == [1, 2, 3, 4]
    assert Range(0.1, 0.5, step=0.2).all() == [0.2, 0.4]
    assert Range(0.1, 0.3, step=0.1).all() == [0.1, 0.2, 0.3], "0.3 / 0.1 is a little less than 3"
    assert Range(1.1, 1.3, step=0.1).all() == [1.1, 1.2, 1.3], "1.1 / 0.1 is a little more than 11"
    assert Range(0, 1).all() is None
    assert Range(0, 10**6, is_integer=True).all() is None
    assert Normal(0, 1).all() is None
