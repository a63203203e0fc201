"""What a study's trial takes beside its training, and that it ends as in a process of its own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from benchmarks import small_trials
from studies.points import Points
from studies.study_file import read_study_file


class Commands:
    """Stands in for the commands: each leaves runs and the times of their training, and takes so many seconds.

    Args:
        seconds: Of the processor, by subcommand.
        weight: Of the run in a process of its own; those of a study have 1.
        runs: Runs of a study that train.
    """

    def __init__(self, seconds: dict[str, float], weight: float = 1.0, runs: int = 4) -> None:
        self.seconds, self.weight, self.runs = seconds, weight, runs
        self.words: list[list[str]] = []

    def __call__(self, words: list[str], **variables: str) -> float:
        assert variables == {"OMP_NUM_THREADS": "1"}
        self.words.append(words)
        (place,) = (Path(words[at + 1]) for at, word in enumerate(words) if word == "--run_dir")
        is_study = words[1] == "study"
        runs = [place / f"{number:04}-lr" for number in range(self.runs)] if is_study else [place]
        for run in runs:
            (run / "checkpoints").mkdir(parents=True)
            weight = torch.tensor(1.0 if is_study else self.weight)
            torch.save({"state_dict": {"weight": weight}}, run / "checkpoints" / "last.ckpt")
        times = place.parent / "times"
        with times.open("a") as file:
            file.write("0.5\n" * len(runs))
        return self.seconds[words[1]]


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Commands], dict]:
    """Measures one turn of studies of four trials; returns the results."""

    def measured(commands: Commands) -> dict:
        monkeypatch.setattr(small_trials, "processor_seconds", commands)
        output = tmp_path / "a.json"
        small_trials.main(["--pairs", "2", "--trials", "4", "--output", str(output)])
        return json.loads(output.read_text())["results"]

    return measured


def test_training_is_left_out_and_the_rest_of_a_study_is_divided_by_its_trials(
    measure: Callable[[Commands], dict],
) -> None:
    commands = Commands({"study": 10.0, "fit": 8.5})
    results = measure(commands)
    medians = {name: values["median"] for name, values in results["seconds_beside_training"].items()}
    assert medians == {"a_trial_of_a_study": 2.0, "a_process_of_its_own": 8.0}
    assert results["trial_of_process"]["median"] == 0.25
    first_of_latest = [words[words.index("--config") + 1] for words in commands.words if words[1] == "fit"]
    assert [Path(path).parts[-3:] for path in first_of_latest] == [
        (f"study-{turn}", "0000-lr", "config.yaml") for turn in (1, 2)
    ]


def test_other_weights_and_trials_that_have_not_trained_are_no_measurement(
    measure: Callable[[Commands], dict],
) -> None:
    seconds = {"study": 10.0, "fit": 8.5}
    with pytest.raises(RuntimeError, match="ends with other weights"):
        measure(Commands(seconds, weight=2.0))
    with pytest.raises(RuntimeError, match="study: 3 of 4 runs have trained"):
        measure(Commands(seconds, runs=3))


def test_the_study_has_so_many_trials_of_its_network(tmp_path: Path) -> None:
    path = small_trials.study_file(tmp_path, 7)
    file = read_study_file(path)
    assert Points(file).total == 7
    assert file.words[:3] == ["fit", "--config", small_trials.CONFIG]
    assert yaml.safe_load(path.read_text())["metric"]["name"] == "val/loss"
