"""What histograms take of an epoch, by the clock of the processor."""

import itertools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import histograms

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the command run in this process, by a clock that moves on by one when it is asked."""

    def run(words: list[str], **_: object) -> SimpleNamespace:
        code, output, errors = command(*words[2:])
        return SimpleNamespace(returncode=code, stdout=output, stderr=errors)

    monkeypatch.setattr(subprocess, "run", run)
    clock = itertools.count()
    monkeypatch.setattr(histograms, "time", SimpleNamespace(process_time=lambda: next(clock)))


@pytest.mark.usefixtures("here")
def test_what_histograms_take_is_divided_by_the_steps_of_a_whole_epoch(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.json"
    histograms.main(["--config", str(config), "--pairs", "2", "--output", str(output)])
    record = json.loads(output.read_text())
    assert record["results"]["percent_of_an_epoch"]["median"] == pytest.approx(100 / 6)  # six steps of one each


@pytest.mark.usefixtures("here")
def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no such file"):
        histograms.shares("nothing.yaml", [], 1, 1)
