"""How the benchmark of a shared machine compares threads that sleep with threads that spin."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import shared_machine
from core.processes.threads import CHOICES


@pytest.fixture(autouse=True)
def _nothing_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves it to the benchmark how threads wait."""
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)


def test_four_situations_of_each_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = []

    def samples_per_second(
        config: str, words: tuple[str, ...], steps: int, first: int, variables: dict[str, str], seconds: float
    ) -> float:
        busy = [process for process in processes if process.poll() is None]
        assert len(busy) in (0, 2)
        return {(False, 0): 100.0, (False, 2): 50.0, (True, 0): 80.0, (True, 2): 8.0}[bool(variables), len(busy)]

    class Started(subprocess.Popen):
        def __init__(self, *words: object) -> None:
            processes.append(self)
            super().__init__(*words)

    monkeypatch.setattr(shared_machine.subprocess, "Popen", Started)
    monkeypatch.setattr(shared_machine, "samples_per_second", samples_per_second)
    words = ["--pairs", "1", "--configs", "vgg_bn", "lenet5", "--busy", "2", "--output", str(tmp_path / "a.json")]
    shared_machine.main(words)
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert list(results) == ["vgg_bn", "lenet5"]
    assert results["lenet5"]["kept_beside_a_busy_process"]["median"] == 0.5
    assert results["lenet5"]["kept_when_spinning"]["median"] == 0.1
    assert results["lenet5"]["alone_sleeping_of_spinning"]["median"] == 1.25
    assert all(process.poll() is not None for process in processes)


@pytest.mark.parametrize("name", CHOICES)
def test_an_environment_that_decides_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(SystemExit):
        shared_machine.main([])
    assert f"{name} is set" in capsys.readouterr().err
