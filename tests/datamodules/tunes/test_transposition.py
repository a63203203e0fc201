"""Training tunes are shown in the keys that are asked for."""

from collections import Counter

import pytest

from datamodules.tunes.reading import read_tune
from datamodules.tunes.transposition import in_keys

TUNES = [read_tune(f"M:4/4\nL:1/4\nK:{key}\nABcd|") for key in ("G", "G", "D", "Am", "none")]


@pytest.mark.parametrize(
    ("keys", "counts"),
    [("none", [1, 1, 1, 1, 1]), ("all", [12, 12, 12, 12, 1]), ("usual", [2, 2, 2, 1, 1])],
)
def test_each_tune_has_its_keys_its_own_first(keys: str, counts: list[int]) -> None:
    every, weights = in_keys(TUNES, keys)
    assert [len(tunes) for tunes in every] == counts
    assert [tunes[0] for tunes in every] == TUNES
    assert [len(wanted) for wanted in weights] == counts
    assert all(wanted > 0 for each in weights for wanted in each)


def test_usual_keys_are_wanted_as_often_as_tunes_have_them() -> None:
    every, weights = in_keys(TUNES, "usual")
    wanted = Counter({tune.key: weight for tune, weight in zip(every[2], weights[2], strict=True)})
    assert wanted == {"G": 2.0, "D": 1.0}
    assert {tune.key for tune in every[3]} == {"Am"}, "a minor tune stays minor"
