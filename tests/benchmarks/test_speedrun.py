"""Ours and the peer run in turns, with equally many pictures; only whole runs have an accuracy."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import speedrun
from datamodules.images.splits import ClassifiedImages

ASKED: list[tuple[str, int]] = []


class Ours:
    """Runs that take a second, or half of one."""

    def __init__(self, settings: Any, folder: Path, config: str) -> None:
        self.config = config
        self.more = settings.more
        images = torch.zeros(50_000, 1, 1, 3, dtype=torch.uint8)
        split = ClassifiedImages(images, torch.zeros(len(images), dtype=torch.int64))
        self.splits = {"train": split, "test": split.take(slice(10_000))}
        ASKED.append((self.more.strip(), 0))

    def run(self, seed: int) -> dict[str, float]:
        """Returns the figures of a run."""
        ASKED.append((self.config, seed))
        return {"seconds": (1.0 + seed) / (1 + self.config.startswith("half")), "accuracy": 0.94}


class Peer:
    """A peer that takes twice as long."""

    def __init__(self, script: Path, folder: Path, patience: float, on_cpu: bool) -> None:
        assert on_cpu
        for part in ("train", "test"):
            ASKED.append((part, len(torch.load(folder / "cifar10" / f"{part}.pt")["images"])))

    def run(self, number: int, patience: float) -> dict[str, float]:
        """Returns the figures of a run."""
        ASKED.append(("peer", number))
        return {"training_seconds": 2.0 + 2 * number, "seconds": 9.0, "accuracy": 0.93}

    def close(self) -> None:
        """Does nothing."""


@pytest.mark.parametrize(("images", "tested"), [(8000, 2000), (50_000, 10_000)])
def test_both_run_in_turns_on_equally_many_pictures(
    images: int, tested: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(speedrun, "Ours", Ours)
    monkeypatch.setattr(speedrun, "Peer", Peer)
    ASKED.clear()
    output = tmp_path / "found.json"
    words = ["--peer_script", "peer.py", "--images", str(images), "--pairs", "2", "--output", str(output)]
    speedrun.main([*words, "--configs", "one.yaml", "half.yaml"])
    (more, _), _, *others = ASKED
    turns = [(name, seed) for seed in range(2) for name in ("one.yaml", "half.yaml", "peer")]
    assert others == [("train", images), ("test", tested), *turns]
    found = json.loads(output.read_text())
    assert found["results"]["of_peer"] == {
        "one": {"median": 0.5, "min": 0.5, "max": 0.5},
        "half": {"median": 0.25, "min": 0.25, "max": 0.25},
    }
    assert found["hardware"]
    is_whole = images == 50_000
    assert (more == "") == is_whole
    assert ("accuracy" in found["results"]) == is_whole
