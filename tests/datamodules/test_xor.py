"""Exclusive or: what the points are, and that every network and command takes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from core.errors import InputError
from datamodules import XORDataModule
from datamodules.batches import ImageBatch
from lightning_modules import MLP
from tests.stages import prepared
from tests.tiny import tiny_trainer

CONFIG = {
    "model": {"class_path": "lightning_modules.MLP", "init_args": {"widths": [3]}},
    "data": {"class_path": "datamodules.XORDataModule", "init_args": {"repeats": 10}},
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "devices": 1, "precision": "32-true", "logger": False},
}


def drawn(stage: str = "test", **settings: object) -> XORDataModule:
    """Returns points."""
    return prepared(XORDataModule(**settings), stage)


def test_the_class_of_a_corner_is_the_exclusive_or_of_its_coordinates() -> None:
    data = drawn(repeats=3, noise=0.0)
    for split in data.splits.values():
        assert split.images.shape == (12, 1, 1, 2)
        assert split.images.dtype == torch.float32
        seen = torch.cat([split.images.flatten(1), split.targets[:, None]], 1).unique(dim=0)
        assert seen.tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
        assert torch.bincount(split.targets).tolist() == [6, 6]
    assert data.class_names == ("equal", "different")


def test_the_noise_has_its_deviation_and_no_preference() -> None:
    data = drawn(repeats=5000, noise=0.2)
    for split in data.splits.values():
        points = split.images.flatten(1)
        off = points - points.new_tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(5000, 1)
        assert off.std(0).tolist() == pytest.approx([0.2, 0.2], rel=0.03)
        assert off.mean(0).tolist() == pytest.approx([0, 0], abs=0.005)


def test_parts_differ_and_runs_of_any_seed_share_them() -> None:
    first = drawn(repeats=5)
    torch.manual_seed(7)
    again, other = drawn(repeats=5), drawn(repeats=5, split_seed=1)
    assert first.sizes == {"train": 20, "val": 20, "test": 20}
    points = {name: split.images for name, split in first.splits.items()}
    assert not torch.equal(points["train"], points["val"])
    assert not torch.equal(points["train"], points["test"])
    assert not torch.equal(points["val"], points["test"])
    for name in points:
        assert torch.equal(again.splits[name].images, points[name])
        assert not torch.equal(other.splits[name].images, points[name])


def test_the_origin_says_how_many_points_there_are() -> None:
    data = drawn(repeats=2)
    assert data.origin == "2 points a corner, noise 0.1"


def test_a_network_sees_coordinates_from_minus_one_to_one(tmp_path: Path) -> None:
    data = drawn(repeats=1, noise=0.0)
    data.trainer = tiny_trainer(tmp_path)
    data.trainer.strategy._lightning_module = MLP(2, in_channels=2, image_size=1)
    split = data.splits["train"]
    batch = data.on_after_batch_transfer(ImageBatch(split.images, split.targets, torch.arange(4), {}), 0)
    expected = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]).view(4, 2, 1, 1)
    torch.testing.assert_close(batch.images, expected)
    torch.testing.assert_close(data.sample(4), expected)


def test_hidden_units_solve_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MLP(2, in_channels=2, image_size=1, widths=[8], activation="tanh")
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=15)
    trainer.fit(model, XORDataModule())
    (measured,) = trainer.test(model, XORDataModule(), verbose=False)
    assert measured["test/acc"] > 0.99


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"repeats": 0}, "repeats is 0: at least 1 is needed"),
        ({"noise": -0.1}, "noise is -0.1: a standard deviation"),
        ({"noise": float("nan")}, "noise is nan: a standard deviation"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 41, "repeats": 10}, "batch_size is 41: larger than the 40 training"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        drawn("fit", **settings)


def test_the_test_set_is_predicted_and_pictures_are_not(command: Callable, tmp_path: Path) -> None:
    (tmp_path / "xor.yaml").write_text(yaml.safe_dump(CONFIG))
    run = tmp_path / "run"
    code, _, errors = command("fit", "--config", tmp_path / "xor.yaml", "--run_dir", run)
    assert code == 0, errors
    code, out, errors = command("predict", "--ckpt_path", run)
    assert code == 0, errors
    assert out.count("test[") == 40
    code, out, errors = command("predict", "--ckpt_path", run, "--input", tmp_path)
    assert code == 2
    assert errors.count("\n") == 1
    assert "--input: XOR takes no files" in errors
