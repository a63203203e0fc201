"""What a training step costs is counted right, and both contenders run."""

import json
from pathlib import Path

import pytest
from torch import nn

from benchmarks import training
from datamodules.images.synthetic import synthetic_images
from lightning_modules import VGG


def test_operations_are_those_of_forward_and_backward() -> None:
    layer = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1))
    first, second = (2 * 32 * 32 * 9 * channels * 8 for channels in (3, 8))
    # weights of both and the input of the second have gradients; the image needs none
    assert training.operations(layer) * 1e9 == pytest.approx(2 * first + 3 * second)


def test_both_contenders_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "datamodules.images.classification.synthetic_images", lambda n, **how: synthetic_images(n // 100, **how)
    )
    small = {"small": (lambda: VGG(10, widths=[4], convolutions=[1]), 10, 2)}
    monkeypatch.setattr(training, "NETWORKS", small)
    monkeypatch.setattr(training, "peak", lambda dtype: 100.0)
    output = tmp_path / "out.json"
    monkeypatch.setattr("sys.argv", ["x", "--pairs", "1", "--output", str(output)])
    training.main()
    results = json.loads(output.read_text())["results"]["small"]
    assert results["ours_of_usual"]["median"] > 0
    assert results["peak_gigaflops"]["median"] == 100
