"""Both loops make the same number of steps in every epoch; nothing here depends on a clock."""

import json
from pathlib import Path

import pytest

from benchmarks import long_run
from datamodules.images.synthetic import synthetic_images


def test_the_plain_loop_makes_its_steps_beside_every_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 40, **how)
    )
    made: list[int] = []
    step = long_run.PlainLoop.step
    monkeypatch.setattr(long_run.PlainLoop, "step", lambda self, number: (made.append(number), step(self, number)))
    output = tmp_path / "out.json"
    long_run.main(["--only", "unit", "--pairs", "2", "--steps", "2", "--output", str(output)])
    assert made == [0, 1] * 3
    figures = json.loads(output.read_text())["results"]["unit"]
    assert figures.keys() == {
        "microseconds_a_step",
        "microseconds_over_raw",
        "full_of_raw",
        "milliseconds_an_epoch",
    }
    assert figures["full_of_raw"]["median"] > 0
