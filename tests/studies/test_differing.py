"""Two descriptions of a study are told apart, as far as they make other trials."""

from typing import Any

from studies.differing import what_changed

FILE = {"method": "grid", "run_cap": 3, "parameters": {"lr": {"values": [1, 2]}}}
DESCRIPTION: dict[str, Any] = {"file": FILE, "seeds": [], "settings": {"model.dropout": 0.1}}


def test_descriptions_of_one_study_do_not_differ() -> None:
    assert what_changed(DESCRIPTION, DESCRIPTION) == ""
    assert what_changed(DESCRIPTION, DESCRIPTION | {"file": FILE | {"run_cap": 9, "description": "more"}}) == ""


def test_what_differs_is_named_with_both_values() -> None:
    assert what_changed(DESCRIPTION, DESCRIPTION | {"seeds": [1]}) == "seeds was [] and is [1] now"
    assert what_changed(DESCRIPTION, DESCRIPTION | {"settings": {}}) == "model.dropout was 0.1 and is not there now"


def test_one_batch_is_not_all_batches() -> None:
    one, all_ = ({"settings": {"trainer.limit_train_batches": share}} for share in (1, 1.0))
    words = "trainer.limit_train_batches was 1 and is 1.0 now"
    assert what_changed(DESCRIPTION | one, DESCRIPTION | all_) == words
    assert what_changed(DESCRIPTION | one, DESCRIPTION | one) == ""
    listed = [FILE | {"parameters": {"trainer.val_check_interval": {"values": [share]}}} for share in (1, 1.0)]
    assert what_changed(DESCRIPTION | {"file": listed[0]}, DESCRIPTION | {"file": listed[1]})
    equal = ({"settings": {"trainer.gradient_clip_val": value}} for value in (1, 1.0))
    assert what_changed(*(DESCRIPTION | one for one in equal)) == ""


def test_of_many_differences_and_long_values_a_part_is_shown() -> None:
    settings = {f"model.{name}": "x" * 99 for name in "abcde"}
    changed = what_changed(DESCRIPTION, DESCRIPTION | {"settings": settings})
    assert changed.startswith(f"model.dropout was 0.1 and is not there now, model.a was not there and is {'x' * 60}...")
    assert changed.endswith(", and 3 more")


def test_a_newer_option_counts_where_it_is_given() -> None:
    newer = DESCRIPTION | {"settings": DESCRIPTION["settings"] | {"trainer.newer": None}}
    assert what_changed(DESCRIPTION, newer, ["model.dropout"]) == ""
    assert what_changed(DESCRIPTION, newer, ["trainer.newer"]) == "trainer.newer was not there and is None now"
    other = newer | {"settings": newer["settings"] | {"model.dropout": 0.2}}
    assert what_changed(DESCRIPTION, other, []) == "model.dropout was 0.1 and is 0.2 now"
