"""Evenly spaced places: the first and the last are among them, and none lies behind."""

import pytest

from core.indices import evenly_spaced_indices


def test_both_ends_are_among_the_places() -> None:
    assert evenly_spaced_indices(11, 3).tolist() == [0, 5, 10]
    assert evenly_spaced_indices(2, 4).tolist() == [0, 0, 0, 1]
    assert evenly_spaced_indices(0, 0).tolist() == []


@pytest.mark.parametrize("total", [2**24 + 4, 30_000_004, 94_999_996])
def test_none_lies_behind_the_last_of_many(total: int) -> None:
    assert 0 <= total - 1 - evenly_spaced_indices(total, 100).max() < 8
