"""The pipelines that are compared do the same work."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks import input_pipeline
from benchmarks.gpu_parts import input as gpu_input
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.input_pipeline import Ours, main
from datamodules.images.classification import ImageClassificationDataModule
from tests.tiny import TinyDataModule

# said by Python 3.12 and later of what torch's DataLoader does
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


class Small(TinyDataModule):
    """Tiny data in CIFAR-10's place."""

    image_size = 32


def test_ours_goes_on_to_another_epoch_each_time() -> None:
    ours = Ours(Small(val_size=0, batch_size=10), 50)
    first, second = (torch.cat([batch.index for batch in ours.epoch()]) for _ in range(2))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()


def test_both_cases_and_the_step_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(batch_size: int, source: str, augmentation: object) -> ImageClassificationDataModule:
        return Small(batch_size=batch_size, source=source, augmentation=augmentation)

    monkeypatch.setattr(input_pipeline, "CIFAR10DataModule", small)
    small.image_size = 32
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))
    monkeypatch.setattr(input_pipeline, "vgg", lambda: network)
    output = tmp_path / "a.json"
    main(["--pairs", "1", "--images", "40", "--batch_size", "20", "--seconds", "0", "--output", str(output)])
    results = json.loads(output.read_text())["results"]
    assert results.keys() == {"crop", "colour", "percent_of_a_training_step"}
    assert 0 < results["percent_of_a_training_step"]["median"] < 100
    assert results["crop"]["ours_of"].keys() >= {"torchvision_v1_2_workers", "torchvision_v2_0_workers"}


def test_cases_are_measured_where_batches_are_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(batch_size: int, source: str, augmentation: object) -> ImageClassificationDataModule:
        return Small(batch_size=batch_size, source=source, augmentation=augmentation)

    small.image_size = 32
    monkeypatch.setattr(input_pipeline, "CIFAR10DataModule", small)
    found = Findings(tmp_path / "found.json")
    gpu_input.measure(Settings(torch.device("cpu"), quick=True, pairs=1), found)
    assert found.content.keys() == {"crop", "colour"}
    assert found.content["crop"]["ours_of"].keys() >= {"torchvision_v1_1_workers", "torchvision_v2_1_workers"}
