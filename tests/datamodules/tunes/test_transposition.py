"""Training tunes are shown in the keys that are asked for."""

import pytest

from datamodules.tunes.keys import transposed
from datamodules.tunes.reading import read_tune
from datamodules.tunes.transposition import tokens_in_keys, wanted_keys

TUNES = [read_tune(f"M:4/4\nL:1/4\nK:{key}\nABcd|") for key in ("G", "G", "D", "Am", "none")]


@pytest.mark.parametrize(
    ("keys", "counts"),
    [("none", [1, 1, 1, 1, 1]), ("all", [12, 12, 12, 12, 1]), ("usual", [2, 2, 2, 1, 1])],
)
def test_each_tune_has_its_keys_its_own_first(keys: str, counts: list[int]) -> None:
    shifts, weights = wanted_keys(TUNES, keys)
    assert shifts[0] == 0
    assert weights.shape == (len(TUNES), len(shifts))
    assert (weights > 0).sum(1).tolist() == counts
    assert (weights[:, 0] > 0).all()


def test_usual_keys_are_wanted_as_often_as_tunes_have_them() -> None:
    shifts, weights = wanted_keys(TUNES, "usual")
    keys = {
        transposed(TUNES[2].tokens, by)[2]: weight
        for by, weight in zip(shifts, weights[2].tolist(), strict=True)
        if weight
    }
    assert keys == {"K:G\n": 2.0, "K:D\n": 1.0}
    assert weights[3].tolist() == [1.0] + [0.0] * (len(shifts) - 1), "a minor tune stays minor"


def test_a_key_that_needs_three_accidentals_is_not_wanted() -> None:
    flat = read_tune("M:4/4\nL:1/4\nK:B\n__fe|")
    shifts, weights = wanted_keys([flat], "all")
    assert 0 < int((weights > 0).sum()) < 12
    for by, weight in zip(shifts, weights[0].tolist(), strict=True):
        assert (transposed(flat.tokens, by) is not None) == (weight > 0)


def test_tokens_are_those_of_all_wanted_keys() -> None:
    shifts, weights = wanted_keys(TUNES, "usual")
    expected = {
        token
        for tune, wanted in zip(TUNES, weights.tolist(), strict=True)
        for by, weight in zip(shifts, wanted, strict=True)
        if weight
        for token in transposed(tune.tokens, by)
    }
    assert tokens_in_keys(TUNES, shifts, weights) == expected
