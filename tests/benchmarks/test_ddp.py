"""How the benchmark of two processes sets its contenders against each other."""

import json
from pathlib import Path

import pytest

from benchmarks import ddp


def test_both_contenders_are_set_against_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def samples_per_second(config: str, words: tuple[str, ...], steps: int, first: int, environment: dict) -> float:
        threads = int(environment["OMP_NUM_THREADS"])
        seen.append((config, threads, words[1], steps, first))
        return 100.0 / threads

    monkeypatch.setattr(ddp, "samples_per_second", samples_per_second)
    ddp.main(["--pairs", "1", "--output", str(tmp_path / "a.json")])
    assert seen == [("vgg_bn.yaml", 2, "1", 12, 3), ("vgg_bn.yaml", 1, "2", 12, 3)]
    assert json.loads((tmp_path / "a.json").read_text())["results"]["two_processes_of_one"]["median"] == 2.0
