"""Parameters are what W&B's format says, and what is none is one line."""

import math
import random
from typing import Any

import pytest

from core.errors import InputError
from studies.distributions import Choice, Normal, Range
from studies.parameters import read_parameters


def read(**stated: Any) -> Any:
    """Returns a parameter."""
    return read_parameters({"x": stated})["x"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"value": None}, Choice([None])),
        ({"values": [[1, 2], {"class_path": "A"}]}, Choice([[1, 2], {"class_path": "A"}])),
        ({"values": [1, 2], "probabilities": [0.9, 0.1]}, Choice([1, 2], [0.9, 0.1])),
        ({"values": [1, 2], "probabilities": [0.999, "1e-3"]}, Choice([1, 2], [0.999, 0.001])),
        ({"values": [1, 2, 3], "probabilities": [0, 1, 2]}, Choice([2, 3], [1, 2])),
        ({"value": "1e-3"}, Choice([0.001])),
        ({"values": ["1e-3", "1.5E+2", [".5e1"], {"lr": "-2e0"}]}, Choice([0.001, 150.0, [5.0], {"lr": -2.0}])),
        ({"values": ["1e", "e-3", "1e-3x", "vgg_1e2", "12"]}, Choice(["1e", "e-3", "1e-3x", "vgg_1e2", "12"])),
        ({"min": 1, "max": 8}, Range(1, 8, is_integer=True)),
        ({"min": 0.0, "max": 8}, Range(0.0, 8)),
        ({"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25}, Range(0, 1, step=0.25)),
        ({"distribution": "log_uniform_values", "min": "1e-5", "max": 0.1}, Range(1e-5, 0.1, is_log=True)),
        ({"distribution": "log_uniform", "min": -2, "max": 0}, Range(math.exp(-2), 1.0, is_log=True)),
        ({"mu": 1, "sigma": 2}, Normal(1, 2)),
        ({"distribution": "q_log_normal", "mu": 1, "sigma": 2, "q": 1}, Normal(1, 2, is_log=True, step=1)),
    ],
)
def test_what_stands_in_the_file(stated: dict[str, Any], expected: Any) -> None:
    assert read(**stated) == expected


@pytest.mark.parametrize(
    "stated",
    [
        {"distribution": "q_uniform", "min": 16, "max": 64},
        {"distribution": "q_log_uniform_values", "min": 16, "max": 64},
        {"distribution": "q_log_uniform", "min": 3, "max": 5},
        {"distribution": "q_normal", "mu": 32, "sigma": 9},
        {"distribution": "q_log_normal", "mu": 3, "sigma": 1},
    ],
)
def test_multiples_of_a_whole_number_are_whole(stated: dict[str, Any]) -> None:
    """So that an option such as --data.batch_size takes them."""
    for q, kind in ((16, int), (16.0, float), (None, int)):
        parameter = read(**stated | ({} if q is None else {"q": q}))
        drawn = [parameter.draw(random.Random(number)) for number in range(9)]
        assert {type(value) for value in [*drawn, *parameter.examples(), *(parameter.all() or ())]} == {kind}
        assert all(value % (q or 1) == 0 for value in drawn)


def test_nested_parameters_and_the_parsers_own_names_become_dotted_keys() -> None:
    nested = {"model": {"parameters": {"optimizer.init_args.lr": {"value": 1}, "optimizer.class_path": {"value": "A"}}}}
    assert [*read_parameters(nested)] == ["model.optimizer.lr", "model.optimizer"]


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({}, "needs value, values, or min and max"),
        ({"min": 1}, "needs value, values, or min and max"),
        ({"values": []}, "at least one"),
        ({"values": 3}, "at least one"),
        ({"values": [0.1, 0.2, 0.1]}, "one stands twice"),
        ({"values": [0.001, "1e-3"]}, "one stands twice"),
        ({"values": [1, 2], "probabilities": [1]}, "one for each value"),
        ({"min": 3, "max": 1}, "leave nothing"),
        ({"distribution": "log_uniform_values", "min": 0.0, "max": 1.0}, "leave nothing above 0"),
        ({"distribution": "beta", "a": 1}, "distribution beta: there are"),
        ({"values": [1], "min": 2}, "'min' is not for the distribution categorical"),
        ({"distribution": "uniform", "min": "low", "max": 1}, "min low: a number is needed"),
        ({"distribution": "uniform", "max": 1}, "needs 'min'"),
        ({"distribution": "uniform", "min": math.nan, "max": 1}, "min nan: a number is needed"),
        ({"distribution": ["uniform"], "min": 0, "max": 1}, "there are constant"),
        ({"distribution": "log_uniform", "min": 0, "max": 1000}, "are exponents of e"),
        ({"distribution": "log_normal", "mu": 1000}, "numbers that can be drawn"),
        ({"distribution": "normal", "sigma": -1}, "numbers that can be drawn"),
        ({"distribution": "q_uniform", "min": 0, "max": 1, "q": 0}, "q 0: more than 0"),
        ({"distribution": "q_uniform", "min": 0.11, "max": 0.19, "q": 0.1}, "no multiple of q 0.1 is from min 0.11"),
        ({"distribution": "int_uniform", "min": 0.5, "max": 2}, "int_uniform needs whole numbers"),
        ({"values": [1, 2], "probabilities": ["a", 1]}, "probabilities a: a number"),
        ({"values": [1, 2], "probabilities": [0, 0]}, "not all of them 0"),
        ({"values": [1, 2], "probabilities": [2, -1]}, "from 0 on"),
    ],
)
def test_what_is_no_parameter(stated: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(**stated)
