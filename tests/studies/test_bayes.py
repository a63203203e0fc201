"""Optuna's suggestions are a function of the trials, and follow what they have reached."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from engine.runs.trial_file import Trial
from studies.points import Points
from studies.study_file import read_study_file

pytest.importorskip("optuna", reason="needs Optuna")

from studies.bayes import make_suggest

PARAMETERS = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "widths": {"values": [[8], [8, 8], None, {"class_path": "A"}]},
    "n": {"min": 1, "max": 9},
    "p": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25},
}


def trial(number: int, settings: dict[str, Any], status: str | None = "finished") -> Trial:
    """Returns a trial with these settings."""
    pruned = {"epochs": 1} if status == "pruned" else None
    return Trial(number=number, settings=settings, ended=status and {"status": status}, pruned=pruned)


def test_suggestions_repeat_and_draw_near_to_what_was_good(write_study: Callable[..., Path]) -> None:
    file = read_study_file(write_study(method="bayes", parameters=PARAMETERS, run_cap=40))
    suggest = make_suggest(file, "max", lambda one: one.settings["n"] if one.ended else None)
    trials: list[Trial] = []
    for number in range(40):
        status = {3: "pruned", 4: None, 5: "failed"}.get(number, "finished")
        trials.append(trial(number, suggest(number, trials), status))
    again = make_suggest(file, "max", lambda one: one.settings["n"] if one.ended else None)
    assert [again(number, trials[:number]) for number in (0, 7, 39)] == [trials[n].settings for n in (0, 7, 39)]
    assert sum(one.settings["n"] for one in trials[20:]) > sum(one.settings["n"] for one in trials[:20])
    assert all(one.settings["widths"] in PARAMETERS["widths"]["values"] for one in trials)
    assert all(one.settings["p"] in (0, 0.25, 0.5, 0.75, 1) for one in trials)


def test_a_point_that_was_drawn_is_one_that_optuna_knows(write_study: Callable[..., Path]) -> None:
    """Where a suggestion repeats a point another is drawn; ends need not be multiples of the step."""
    stepped = {"p": {"distribution": "q_uniform", "min": 0.05, "max": 0.45, "q": 0.1}}
    file = read_study_file(write_study(method="bayes", parameters=stepped, run_cap=9))
    suggest = make_suggest(file, "max", lambda one: one.settings["p"])
    drawn = [trial(number, {"p": file.parameters["p"].draw(random.Random(number))}) for number in range(8)]
    assert suggest(8, drawn)["p"] in file.parameters["p"].all()


def test_multiples_of_a_whole_number_are_whole(write_study: Callable[..., Path]) -> None:
    """Those that an earlier release recorded as floats are known."""
    stepped = {"n": {"distribution": "q_uniform", "min": 16, "max": 64, "q": 16}}
    file = read_study_file(write_study(method="bayes", parameters=stepped, run_cap=9))
    found = make_suggest(file, "max", lambda one: one.settings["n"])(1, [trial(0, {"n": 32.0})])["n"]
    assert isinstance(found, int)
    assert found in (16, 32, 48, 64)


def test_every_multiple_of_a_fraction_is_tried_once(write_study: Callable[..., Path]) -> None:
    stepped = {"p": {"distribution": "q_uniform", "min": 0.1, "max": 0.7, "q": 0.1}}
    file = read_study_file(write_study(method="bayes", parameters=stepped))
    points = Points(file, suggest=make_suggest(file, "max", lambda one: one.settings["p"]))
    trials: list[Trial] = []
    while (found := points.next(trials)) is not None:
        trials.append(trial(found.number, found.settings))
    assert sorted(one.settings["p"] for one in trials) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@pytest.mark.parametrize("stated", [{"mu": 0, "sigma": 1}, {"values": [1, 2], "probabilities": [0.9, 0.1]}])
def test_what_optuna_cannot_suggest_is_refused(stated: dict[str, Any], write_study: Callable[..., Path]) -> None:
    file = read_study_file(write_study(method="bayes", parameters={"x": stated}, run_cap=2))
    with pytest.raises(InputError, match="method bayes: x: this distribution is for the method random alone"):
        make_suggest(file, "min", lambda one: None)
