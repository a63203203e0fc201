"""The settings of trials: every point once, and the same ones whenever they are asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.trial_file import Trial
from studies.naming import describe
from studies.points import Points
from studies.study_file import read_study_file

Write = Callable[..., Path]


def all_settings(points: Points) -> list[dict]:
    """Returns the settings of all trials."""
    trials: list[Trial] = []
    for number in range(points.total or 0):
        trials.append(points.trial(number, trials))
    return [trial.settings for trial in trials]


def test_a_grid_has_every_point_in_order_with_its_seeds_beside_it(write_study: Write) -> None:
    parameters = {"a": {"values": [1, 2]}, "b": {"min": 3, "max": 4}, "c": {"value": None}}
    points = Points(read_study_file(write_study(parameters=parameters)), [7, 8])
    assert points.total == 8
    found = all_settings(points)
    assert [one["a"] * 100 + one["b"] * 10 + one["seed_everything"] for one in found] == [
        *(137, 138, 147, 148, 237, 238, 247, 248),
    ]
    assert all(one["c"] is None for one in found)
    assert points.settings(5, []) == found[5]
    assert describe(points.trial(5, [])) == "a=2 b=3 seed=8", "what is the same everywhere need not be named"


def test_a_cap_ends_a_grid(write_study: Write) -> None:
    assert Points(read_study_file(write_study(run_cap=1))).total == 1


def test_drawn_points_do_not_depend_on_who_draws_them_and_differ(write_study: Write) -> None:
    parameters = {"lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0}, "n": {"values": [[1], [2, 3]]}}
    file = read_study_file(write_study(method="random", parameters=parameters, run_cap=20))
    found = all_settings(Points(file))
    assert found == all_settings(Points(file))
    assert len({one["lr"] for one in found}) == 20
    assert {str(one["n"]) for one in found} == {"[1]", "[2, 3]"}
    same_with_seeds = all_settings(Points(file, [1, 2]))
    assert [one | {"seed_everything": seed} for one in found[:10] for seed in (1, 2)] == same_with_seeds


@pytest.mark.parametrize("sure", [0.5, 0.9999999])
def test_no_point_is_drawn_twice_and_none_is_lost(sure: float, write_study: Write) -> None:
    """However improbable the last ones are."""
    parameters = {"a": {"values": [1, 2], "probabilities": [sure, 1 - sure]}, "b": {"min": 1, "max": 3}}
    points = Points(read_study_file(write_study(method="random", parameters=parameters, run_cap=50)))
    assert points.total == 6
    assert len({(one["a"], one["b"]) for one in all_settings(points)}) == 6


def test_a_value_of_probability_0_is_in_no_point(write_study: Write) -> None:
    """It was drawn once no other was left."""
    parameters = {"a": {"values": [1, 2], "probabilities": [1, 0]}, "b": {"min": 1, "max": 3}}
    points = Points(read_study_file(write_study(method="random", parameters=parameters, run_cap=6)))
    assert points.total == 3
    assert sorted((one["a"], one["b"]) for one in all_settings(points)) == [(1, 1), (1, 2), (1, 3)]


def test_trials_that_recorded_floats_are_the_same_points(write_study: Write) -> None:
    """As those of earlier releases did."""
    parameters = {"a": {"distribution": "q_uniform", "min": 16, "max": 48, "q": 16}, "b": {"values": [1, 1.0]}}
    points = Points(read_study_file(write_study(method="random", parameters=parameters, run_cap=9)))
    trials = [Trial(number=place, settings={"a": 16.0 * (1 + place), "b": 1}) for place in range(3)]
    for number in range(3, points.total or 0):
        trials.append(points.trial(number, trials))
    assert sorted((one.settings["a"], str(one.settings["b"])) for one in trials) == [
        (a, b) for a in (16, 32, 48) for b in ("1", "1.0")
    ]


@pytest.mark.parametrize(
    ("stated", "values", "total"),
    [
        ({"distribution": "q_log_uniform_values", "min": 1, "max": 3, "q": 1}, [1, 2, 3], 3),
        ({"distribution": "q_log_uniform_values", "min": 0.1, "max": 0.3, "q": 0.1}, [0.1, 0.2, 0.3], 3),
        ({"min": 0.5, "max": 0.5}, [0.5], 1),
        ({"distribution": "log_uniform_values", "min": 0.3, "max": 0.3}, [0.3], 1),
        ({"distribution": "normal", "mu": 2.5, "sigma": 0}, [2.5], 1),
        ({"distribution": "q_normal", "mu": 5, "sigma": 0, "q": 2}, [4], 1),
        ({"distribution": "q_normal", "mu": 2, "sigma": 0.01}, [2], 9),
    ],
)
def test_a_study_whose_points_are_exhausted_has_an_end(
    stated: dict, values: list[float], total: int, write_study: Write
) -> None:
    """Where the number of points is not known before, as of normal numbers, it ends when no draw is new."""
    points = Points(read_study_file(write_study(method="random", parameters={"a": stated}, run_cap=9)), [7, 8])
    assert points.total == min(9, 2 * total)
    trials: list[Trial] = []
    while (trial := points.next(trials)) is not None:
        trials.append(trial)
    assert sorted(one.settings["a"] for one in trials) == sorted([*values, *values])


def test_the_last_of_many_points_are_found(write_study: Write) -> None:
    """Of more values than a grid may have, which a thousand draws miss."""
    file = read_study_file(write_study(method="random", parameters={"a": {"min": 1, "max": 3000}}, run_cap=4000))
    points = Points(file)
    trials = [Trial(number=value, settings={"a": value + 1}) for value in range(2999)]
    assert points.next(trials) == Trial(number=2999, settings={"a": 3000})
    assert points.next([*trials, Trial(number=2999, settings={"a": 3000})]) is None


def test_random_points_of_a_range_have_no_end(write_study: Write) -> None:
    parameters = {"lr": {"min": 0.0, "max": 1.0}}
    assert Points(read_study_file(write_study(method="random", parameters=parameters))).total is None


def test_a_suggestion_that_has_been_made_gives_way_to_a_drawn_point(write_study: Write) -> None:
    parameters = {"a": {"values": [1, 2, 3]}}
    file = read_study_file(write_study(method="bayes", parameters=parameters))
    found = all_settings(Points(file, suggest=lambda place, earlier: {"a": 2}))
    assert found[0] == {"a": 2}
    assert sorted(one["a"] for one in found) == [1, 2, 3]
