"""A study's file is W&B's, and what is wrong with it is one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from studies.study_file import find_study_file, read_study_file
from tests.studies.conftest import WORDS

Write = Callable[..., Path]


@pytest.mark.parametrize(
    "command",
    [
        WORDS,
        ["${env}", "${interpreter}", "${program}", "fit", "--config", "tiny.yaml", "${args}"],
        ["python", "cli.py", "fit", "--config", "tiny.yaml", "--config=${args_json_file}"],
    ],
)
def test_the_command_is_what_it_is_without_wandbs_macros(command: list[str], write_study: Write) -> None:
    file = read_study_file(write_study(command=command, run_cap=3, project="p", description="d", name="mine"))
    assert file.words == ["fit", "--config", "tiny.yaml"]
    assert (file.name, file.metric, file.mode, file.most) == ("mine", "val/loss", "min", 3)


@pytest.mark.parametrize(
    ("rule", "epochs", "eta"),
    [
        ({"min_iter": 1}, [1, 3, 9, 27], 3),
        ({"min_iter": 2, "eta": 2}, [2, 4, 8, 16], 2),
        ({"max_iter": 27, "s": 2}, [3, 9], 3),
        ({"max_iter": 8, "s": 9, "eta": 2}, [1, 2, 4], 2),
        ({"max_iter": 27, "s": 10**9}, [1, 3, 9], 3),
    ],
)
def test_trials_are_compared_after_as_many_epochs_as_wandb_would(
    rule: dict[str, int], epochs: list[int], eta: float, write_study: Write
) -> None:
    file = read_study_file(write_study(early_terminate={"type": "hyperband"} | rule))
    assert file.halving is not None
    assert file.halving[0][: len(epochs)] == epochs
    assert file.halving[1] == eta
    assert "max_iter" not in rule or len(file.halving[0]) == len(epochs)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {"methods": "grid"},
            "'methods' is no key of W&B's sweep format that is possible here: did you mean 'method'?",
        ),
        ({"method": "tpe"}, "method tpe: there are grid, random, bayes"),
        ({"command": ["python", "cli.py"]}, "command: a list with 'fit' and its config is needed"),
        ({"command": ["fit", "--config", "a.yaml"]}, "command: nothing takes the parameters; it ends with"),
        ({"command": [*WORDS, "--run_dir", "a"]}, "command: --run_dir is chosen for each trial"),
        ({"parameters": {"config": {"value": "a.yaml"}}}, "config: is no setting of a run"),
        ({"parameters": {"x": 3}}, "parameters: x: needs 'value', 'values', or 'min' and 'max'"),
        ({"parameters": {"x": {"min": 0.0, "max": 1.0}}}, "method grid: x has no end of values"),
        ({"parameters": None}, "a mapping of parameters is needed"),
        ({"metric": {"name": "a", "goal": "max"}}, "metric: goal max: there are minimize, maximize"),
        ({"metric": {"goal": "maximize"}}, "metric: needs a name"),
        ({"metric": {"name": "a", "gaol": "maximize"}}, "metric: 'gaol' is no key"),
        ({"metric": None, "method": "bayes"}, "method bayes needs a metric"),
        ({"early_terminate": {"type": "median"}}, "early_terminate: the one type is hyperband"),
        ({"early_terminate": {"type": "hyperband"}}, "early_terminate: needs min_iter, or max_iter with s"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 0}}, "at least 1"),
        ({"run_cap": 0}, "run_cap 0: a number of trials"),
        ({"run_cap": True}, "run_cap True: a number of trials"),
        ({"method": ["grid"]}, "there are grid, random, bayes"),
        ({"metric": {"name": "a", "goal": ["x"]}}, "there are minimize, maximize"),
        ({"metric": {"name": "a", "target": "high"}}, "metric: target high: a number is needed"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": "x"}}, "eta x: a number is needed"),
        ({"early_terminate": {"type": "hyperband", "min_iter": True}}, "whole numbers"),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1e20}},
            "eta is above 1 and at most",
        ),
        ({"name": "../../elsewhere"}, "the study's folder has it"),
        ({"name": "x" * 300}, "the study's folder has it"),
        ({"name": ["x"]}, "the study's folder has it"),
    ],
)
def test_a_mistake_is_one_line(content: dict[str, Any], reason: str, write_study: Write) -> None:
    path = write_study(**content)
    with pytest.raises(InputError) as refused:
        read_study_file(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_study_is_found_by_its_name_and_a_mistyped_one_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.study_file.CONFIGS", tmp_path / "configs")
    path = tmp_path / "configs" / "studies" / "learning_rates.yaml"
    path.parent.mkdir(parents=True)
    path.touch()
    for name in (str(path), "learning_rates", "learning_rates.yaml", "studies/learning_rates.yaml"):
        assert find_study_file(name) == path
    with pytest.raises(InputError, match=r"study learning_rate: no such file; nearest: learning_rates\.yaml"):
        find_study_file("learning_rate")
