"""Both ways make their iterations with one network on the same pictures; no clock is looked at."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from torchvision.models.vgg import make_layers

from benchmarks import style_transfer

NARROW = [4, 4, "M", 4, 4, "M", 4, 4, 4, 4, "M", 4, 4, 4, 4, "M", 4, 4, 4, 4, "M"]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the network narrow."""
    monkeypatch.setattr(style_transfer, "convolutions", lambda: torch.manual_seed(0) and make_layers(NARROW))


def test_both_ways_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.json"
    monkeypatch.setattr(style_transfer, "peak", lambda way, arguments: 100.0)
    words = ["x", "--size", "48", "--iterations", "4", "--pairs", "1", "--output", str(output)]
    monkeypatch.setattr("sys.argv", words)
    style_transfer.main()
    results = json.loads(output.read_text())["results"]
    assert results["speed_of_tutorial"]["ours"]["median"] > 0
    assert results["iterations_a_cpu_second"].keys() == {"tutorial", "ours", "ours_in_float32"}
    assert results["loss_of_float32"]["median"] > 0


def test_an_iteration_of_each_is_one_look_at_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    forward = torch.nn.MaxPool2d.forward

    def noted(self: torch.nn.MaxPool2d, features: torch.Tensor) -> torch.Tensor:
        looks.append(features.requires_grad)
        return forward(self, features)

    monkeypatch.setattr(torch.nn.MaxPool2d, "forward", noted)
    for way in style_transfer.WAYS:
        looks.clear()
        ends = style_transfer.WAYS[way](48, 20)
        assert len(ends) == 20
        extra = int(way in style_transfer.OURS)  # for the graph that is drawn
        assert sum(looks) == 2 * (20 + extra)  # two poolings come before the last layer that is looked at
    assert style_transfer.speed("tutorial", Namespace(size=48, iterations=3)) > 0
