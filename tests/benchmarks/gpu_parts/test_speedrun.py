"""Runs of the speedrun and of its peer alternate; what counts is training alone."""

from pathlib import Path

import pytest
import torch

from benchmarks.gpu_parts import speedrun
from benchmarks.gpu_parts.settings import Findings, Settings
from datamodules.images.synthetic import synthetic_images


class Peer:
    """A peer that takes a second."""

    def __init__(self, script: Path, folder: Path, patience: float) -> None:
        self.compiled, self.seconds = True, 60.0
        self.pictures = torch.load(folder / "cifar10" / "train.pt")["images"]

    def run(self, number: int) -> dict[str, float]:
        """Returns the figures of a run."""
        return {"training_seconds": 1.0, "seconds": 1.5, "accuracy": 0.9}

    def close(self) -> None:
        """Does nothing."""


def test_both_run_in_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 40, **how)
    )
    monkeypatch.setattr(speedrun, "Peer", Peer)
    monkeypatch.setattr(speedrun.Ours, "run", _with_few_views(speedrun.Ours.run))
    found = Findings(tmp_path / "found.json")
    settings = Settings(torch.device("cpu"), quick=True, runs=2, peer_script=tmp_path / "peer.py")
    speedrun.measure(settings, found)
    ours, peer = found.content["ours"], found.content["peer"]
    assert ours["n"] == peer["n"] == 2
    assert [run["seed"] for run in ours["runs"]] == [0, 1]
    for run in ours["runs"]:
        assert 0 < run["whitening_seconds"] < run["seconds"]
        assert run["seconds"] - run["whitening_seconds"] < run["fit_seconds"]
        assert 0 <= run["accuracy"] <= 1
    assert peer["seconds"]["median"] == 1.0
    assert peer["mean_accuracy"] == 90
    assert found.content["seconds_of_peer"]["median"] == pytest.approx(ours["seconds"]["median"])


def _with_few_views(run: object) -> object:
    """Lets a run go on, after a check that the test's pictures are seen in all views."""

    def checked(self: speedrun.Ours, seed: int) -> dict[str, float]:
        assert self.configured.settings.views.flip
        assert self.configured.settings.views.shift == 1
        return run(self, seed)

    return checked


def test_a_mean_has_a_standard_error() -> None:
    found = speedrun.summary([{"accuracy": 0.9, "seconds": 1.0}, {"accuracy": 0.92, "seconds": 2.0}], "seconds")
    assert found["mean_accuracy"] == pytest.approx(91)
    assert found["standard_error_of_accuracy"] == pytest.approx(1.0)
    assert speedrun.summary([{"accuracy": 0.9, "seconds": 1.0}], "seconds")["standard_error_of_accuracy"] is None
