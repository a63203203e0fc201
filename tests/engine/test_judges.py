"""A run of a classifier is read as a judge: its features, its normalisation, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from torch.nn.functional import interpolate

from core.errors import InputError
from engine.judges import read_judge
from lightning_modules import VGG
from tests.tiny import TinyDataModule


def test_features_are_the_inputs_of_the_head_of_normalised_pictures(finished_run: Callable) -> None:
    run = finished_run()
    judge = read_judge(str(run))
    pictures = torch.randint(0, 256, (7, 16, 16, 3), dtype=torch.uint8)
    features, classes = judge(pictures)
    network = VGG.load_from_checkpoint(run / "checkpoints" / "best.ckpt").eval()
    images = ((pictures / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = network(images)
    torch.testing.assert_close(classes, logits.argmax(1))
    torch.testing.assert_close(network.head_layers()[0](features), logits)
    assert judge.class_names == TinyDataModule.class_names
    assert judge.digest in judge.signature
    assert "% of its validation right" in judge.signature


def test_pictures_of_another_size_are_resized(finished_run: Callable) -> None:
    judge = read_judge(str(finished_run()))
    pictures = torch.randint(0, 256, (2, 24, 24, 3), dtype=torch.uint8)
    small = interpolate(pictures.permute(0, 3, 1, 2).float(), (16, 16), mode="bilinear", antialias=True)
    features, _ = judge(pictures)
    torch.testing.assert_close(features, judge(small.round().byte().permute(0, 2, 3, 1))[0], atol=0.05, rtol=0.05)


def test_the_accuracy_of_a_test_is_told(finished_run: Callable, command: Callable) -> None:
    run = finished_run()
    assert command("test", "--ckpt_path", run / "checkpoints" / "last.ckpt")[0] == 0
    assert "% of its validation right" in read_judge(str(run)).signature  # the judge has the weights of best.ckpt
    assert command("test", "--ckpt_path", run)[0] == 0
    assert "% of its test right" in read_judge(str(run)).signature


def test_a_folder_of_runs_is_refused_with_the_newest(tmp_path: Path) -> None:
    for name in ("checkpoints/last.ckpt", "config.yaml"):
        (tmp_path / "runs" / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "runs" / "new" / name).touch()
    with pytest.raises(InputError, match=r"^model\.judge runs: .*; name a run, the newest in it is runs/new$"):
        read_judge("runs")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run folder with config\.yaml and a checkpoint; fit a classifier first"):
        read_judge(str(tmp_path))


def test_a_run_of_another_kind_is_refused(finished_run: Callable) -> None:
    run = finished_run()
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"]["class_path"] = "lightning_modules.CharRNN"
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=r"a run of lightning_modules\.CharRNN, which classifies no pictures"):
        read_judge(str(run))
