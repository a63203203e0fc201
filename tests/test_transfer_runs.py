"""Learning from few pictures, as a user does it: one folder a class, one command, then a prediction."""

from collections.abc import Callable
from pathlib import Path

import pytest

from datamodules.images.synthetic import CLASS_NAMES
from tests.pictures import drawn_once, picture

SMALL = ("--data.image_size", 32, "--data.batch_size", 8, "--trainer.max_epochs", 2, "--trainer.accelerator", "cpu")
ALONE = ("--weights", "null", "--trainer.devices", 1, "--trainer.logger", "false")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Thirty pictures in three classes."""
    from PIL import Image

    images, targets = drawn_once(30, seed=0, num_classes=3, image_size=32)
    for number, (image, target) in enumerate(zip(images, targets.tolist(), strict=True)):
        path = tmp_path / "photos" / CLASS_NAMES[target] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.numpy()).save(path)
    return tmp_path / "photos"


@pytest.mark.parametrize("config", ["flowers_features.yaml", "flowers_finetune.yaml"])
def test_own_pictures_are_learned_tested_and_predicted(
    config: str, photos: Path, command: Callable, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    code, said, errors = command("fit", "--config", config, "--data.data_dir", photos, "--run_dir", run, *SMALL, *ALONE)
    assert code == 0, errors
    assert "note     --features.until: without --weights its network is fixed at random weights" in said
    assert f"kept in {photos}" in said
    code, said, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert "test/acc" in said
    code, _, errors = command(
        *("predict", "--ckpt_path", run, "--input", picture(tmp_path / "new.png", (50, 40)), "--output"),
        tmp_path / "classes.csv",
    )
    assert code == 0, errors
    assert len((tmp_path / "classes.csv").read_text().splitlines()) == 2


def test_steps_that_there_are_not_are_one_line(photos: Path, command: Callable, tmp_path: Path) -> None:
    code, _, errors = command(
        *("fit", "--config", "flowers_features.yaml", "--data.data_dir", photos, "--features.until", "pol"),
        *("--run_dir", tmp_path / "run", *SMALL, *ALONE),
    )
    assert code == 2
    assert "--features.until pol: EfficientNetLite has no step of this name; it has stem, blocks.0" in errors
    assert not (tmp_path / "run").exists()
