"""How the benchmark of two processes takes its figure."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import ddp
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def test_speed_leaves_the_first_steps_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 11.0, 12.0, 13.0, 14.0])  # seconds at the ends of an epoch's six steps
    monkeypatch.setattr(ddp, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    path = tmp_path / "speed.json"
    trainer = tiny_trainer(tmp_path, max_epochs=1, callbacks=[ddp.Speed(str(path), first=2)])
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert json.loads(path.read_text()) == 40.0


def test_both_contenders_are_set_against_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def images_per_second(threads: int, words: tuple[str, ...], steps: int, first: int) -> float:
        seen.append((threads, words[1], steps, first))
        return 100.0 / threads

    monkeypatch.setattr(ddp, "images_per_second", images_per_second)
    ddp.main(["--pairs", "1", "--output", str(tmp_path / "a.json")])
    assert seen == [(2, "1", 12, 3), (1, "2", 12, 3)]
    assert json.loads((tmp_path / "a.json").read_text())["results"]["two_processes_of_one"]["median"] == 2.0
