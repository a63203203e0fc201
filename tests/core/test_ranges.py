"""Ranges of settings."""

import pytest

from core.errors import InputError
from core.ranges import check_choice, check_range


@pytest.mark.parametrize(
    ("value", "limits", "told"),
    [
        (-0.1, {}, "x is -0.1: at least 0 is needed"),
        (0, {"above": True}, "x is 0: more than 0 is needed"),
        (100_000_000, {"most": 1000}, "x is 100000000: at least 0 and at most 1000 is needed"),
        (1.5, {"most": 1}, "x is 1.5: at least 0 and at most 1 is needed"),
        (1, {"most": 1, "below": True}, "x is 1: at least 0 and less than 1 is needed"),
        (float("nan"), {}, "x is nan: at least 0 is needed"),
    ],
)
def test_a_number_out_of_its_range_is_refused(value: float, limits: dict, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_range("x", value, **limits)
    assert str(refusal.value) == told


def test_ends_belong_to_the_range_unless_it_is_said() -> None:
    check_range("x", 0, most=1)
    check_range("x", 1, most=1)
    check_range("x", 0.5, most=1, above=True, below=True)


def test_a_text_that_is_no_choice_is_refused() -> None:
    check_choice("x", "a", ("a", "b"))
    with pytest.raises(InputError, match="x is c: one of a, b is needed"):
        check_choice("x", "c", ("a", "b"))
