"""Configs and the peer run in turns, with the same pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import speedrun
from datamodules.images.splits import ClassifiedImages

TURNS: list[tuple[str, int]] = []
SEEN: list[tuple[str, torch.Tensor, torch.Tensor]] = []  # classes of the pictures to train on and to test on


class Ours:
    """Runs that take a second, or half of one."""

    def __init__(self, settings: Any, folder: Path, config: str) -> None:
        assert settings.more == "--trainer.enable_progress_bar false"
        self.config = config
        images = torch.zeros(50_000, 1, 1, 3, dtype=torch.uint8)
        split = ClassifiedImages(images, torch.arange(len(images)))
        self.splits = {"train": split, "val": split.take(slice(0)), "test": split.take(slice(10_000))}

    def run(self, seed: int) -> dict[str, float]:
        """Returns the figures of a run."""
        TURNS.append((self.config, seed))
        SEEN.append((self.config, self.splits["train"].targets, self.splits["test"].targets))
        assert len(self.splits["val"]) == 0
        return {"seconds": (1.0 + seed) / (1 + self.config.startswith("half")), "accuracy": 0.94}


class Peer:
    """A peer that takes twice as long."""

    def __init__(self, script: Path, folder: Path, patience: float, on_cpu: bool) -> None:
        assert on_cpu
        SEEN.append(("peer", *(torch.load(folder / "cifar10" / f"{part}.pt")["labels"] for part in ("train", "test"))))

    def run(self, number: int, patience: float) -> dict[str, float]:
        """Returns the figures of a run."""
        TURNS.append(("peer", number))
        return {"training_seconds": 2.0 + 2 * number, "seconds": 9.0, "accuracy": 0.93}

    def close(self) -> None:
        """Does nothing."""


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts those above in the places of the real ones."""
    monkeypatch.setattr(speedrun, "Ours", Ours)
    monkeypatch.setattr(speedrun, "Peer", Peer)
    TURNS.clear()
    SEEN.clear()


def test_all_run_in_turns_on_the_same_pictures(tmp_path: Path) -> None:
    output = tmp_path / "found.json"
    words = ["--peer_script", "peer.py", "--pairs", "2", "--output", str(output)]
    more = ["--settings", "--trainer.enable_progress_bar false"]
    speedrun.main([*words, *more, "--configs", "one.yaml", "half.yaml"])
    turns = [(name, seed) for seed in range(2) for name in ("one.yaml", "half.yaml", "peer")]
    assert turns == TURNS
    assert [name for name, *_ in SEEN] == ["peer", *["one.yaml", "half.yaml"] * 2]
    for _, trained_on, tested_on in SEEN:
        assert torch.equal(trained_on, torch.arange(50_000))
        assert torch.equal(tested_on, torch.arange(10_000))
    found = json.loads(output.read_text())
    assert found["results"]["of_peer"] == {
        "one": {"median": 0.5, "min": 0.5, "max": 0.5},
        "half": {"median": 0.25, "min": 0.25, "max": 0.25},
    }
    assert found["hardware"]
    assert found["results"]["accuracy"] == {
        name: dict.fromkeys(("median", "min", "max"), pytest.approx(right))
        for name, right in {"one": 94, "half": 94, "peer": 93}.items()
    }


REFUSED = [
    (("--configs", "one.yaml", "mine/one.yaml"), "one.yaml mine/one.yaml: their names, and peer, must differ"),
    (("--configs", "one.yaml", "peer.yaml"), "--configs one.yaml peer.yaml: their names, and peer, must differ"),
]


@pytest.mark.parametrize(("words", "line"), REFUSED, ids=[line for _, line in REFUSED])
def test_what_cannot_be_compared_is_refused(
    words: tuple[str, ...], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "found.json"
    more = ["--settings", "--trainer.enable_progress_bar false", "--output", str(output)]
    with pytest.raises(SystemExit):
        speedrun.main(["--peer_script", "peer.py", *words, *more])
    assert line in capsys.readouterr().err
    assert not output.exists()
