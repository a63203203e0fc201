"""How runs side by side are set against one on all cores."""

import json
import threading
from pathlib import Path

import pytest

from benchmarks import side_by_side


def test_speeds_of_runs_that_train_at_the_same_time_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(4)

    def samples_per_second(
        config: str, words: tuple[str, ...], steps: int, first: int, environment: dict, seconds: float
    ) -> float:
        threads = int(environment["OMP_NUM_THREADS"])
        if threads == 2:
            together.wait(20)  # which all four must reach
        return {8: 100.0, 2: 40.0}[threads]

    monkeypatch.setattr(side_by_side, "samples_per_second", samples_per_second)
    output = tmp_path / "a.json"
    options = ["--pairs", "1", "--configs", "mlp", "--runs", "4", "--cores", "8", "--output", str(output)]
    side_by_side.main(options)
    assert json.loads(output.read_text())["results"]["mlp"]["side_by_side_of_one"]["median"] == 1.6
