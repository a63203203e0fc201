"""Pictures are divided as files say, or at random by a seed, and none is in two parts."""

import pytest

from core.errors import InputError
from datamodules.captioned.parts import divide

NAMES = [str(number) for number in range(40)]
NOTHING = {"val": None, "test": None}


def test_parts_of_a_file_are_kept_and_the_rest_is_left_out() -> None:
    parts, lines = divide(NAMES[:4], {"0": "test", "1": "train", "3": "val"}, NOTHING, 0)
    assert parts == {"train": ["1"], "val": ["3"], "test": ["0"]}
    assert lines == ["skipped  pictures that belong to no part: 1 (2)"]


def test_what_no_file_states_is_set_aside_by_the_seed() -> None:
    parts, lines = divide(NAMES, {}, {"val": None, "test": 5}, 0)
    assert {part: len(names) for part, names in parts.items()} == {"train": 31, "val": 4, "test": 5}
    assert sorted(sum(parts.values(), []), key=int) == NAMES
    assert not lines
    assert divide(NAMES, {}, {"val": None, "test": 5}, 0)[0] == parts
    assert divide(NAMES, {}, {"val": None, "test": 5}, 1)[0] != parts
    whole, _ = divide(NAMES, {}, {"val": 0, "test": None}, 0)
    assert whole == {"train": NAMES, "val": [], "test": []}


def test_without_training_pictures_there_is_nothing_to_set_aside() -> None:
    for sizes in (NOTHING, {"val": 0, "test": None}, {"val": 3, "test": None}):
        parts, _ = divide(NAMES, {"0": "test"}, sizes, 0)
        assert parts == {"train": [], "val": [], "test": ["0"]}


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="too large for 40 training pictures; give fewer, such as 4"):
        divide(NAMES, {}, {"val": 20, "test": 20}, 0)
    with pytest.raises(InputError, match=r"data\.val_size is 2: there are 1 val pictures already"):
        divide(NAMES, {"1": "val", "2": "train"}, {"val": 2, "test": None}, 0)
