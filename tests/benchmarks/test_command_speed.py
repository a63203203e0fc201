"""How the speed of the command is taken from within a run."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import command_speed
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.mark.parametrize(("seconds", "expected"), [(1e9, 40.0), (1.5, 40.0)])
def test_speed_leaves_the_first_steps_out(
    seconds: float, expected: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [0.0, 10.0, 10.0, 11.0, 12.0, 13.0, 14.0]  # seconds; the clock is asked twice in the first two steps
    clock = iter([0.0, 0.0, 10.0, *times[2:]])
    monkeypatch.setattr(command_speed, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    path = tmp_path / "speed.json"
    trainer = tiny_trainer(tmp_path, max_epochs=1, callbacks=[command_speed.Speed(str(path), 2, seconds)])
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert trainer.optimizer_steps == (6 if seconds > 2 else 4)
    assert json.loads(path.read_text()) == expected


def test_the_command_that_is_measured_trains_so_many_steps(
    config: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(words: list[str], **_: object) -> SimpleNamespace:
        code, output, errors = command(*words[2:])
        return SimpleNamespace(returncode=code, stdout=output, stderr=errors)

    monkeypatch.setattr(subprocess, "run", here)
    assert command_speed.samples_per_second(str(config), (), 3, 1, {}, 60.0) > 0
    with pytest.raises(RuntimeError, match="no such file"):
        command_speed.samples_per_second("nothing.yaml", (), 3, 1, {})
