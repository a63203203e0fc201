"""Media of a test: which are drawn when."""

from pathlib import Path

import pytest
from PIL import Image

from datamodules import XORDataModule
from lightning_modules import MLP
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def _sizes(folder: Path) -> dict[str, tuple[int, int]]:
    sizes = {}
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    return sizes


@pytest.mark.usefixtures("rendered")
def test_a_fit_draws_curves_and_a_test_draws_the_rest(tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(model, data)
    run = trainer.run_folder.path
    assert set(_sizes(run)) == {"curves.png", "inputs.png"}
    trainer.test(model, data, verbose=False)
    sizes = _sizes(run)
    assert sizes.pop("inputs.png") == (8 * 18 - 2, 4 * 18 - 2)
    assert set(sizes) == {"curves.png", "confusion.png", "predictions.png"}
    assert all(min(size) > 100 for size in sizes.values())


@pytest.mark.usefixtures("rendered")
def test_points_have_a_decision_surface_in_place_of_predictions(tmp_path: Path) -> None:
    model, data = MLP(2, in_channels=2, image_size=1, widths=[4]), XORDataModule(repeats=10)
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(model, data)
    run = trainer.run_folder.path
    assert set(_sizes(run)) == {"curves.png", "decision_surface.png"}
    after_fit = (run / "decision_surface.png").read_bytes()
    trainer.test(model, data, verbose=False)
    assert set(_sizes(run)) == {"curves.png", "confusion.png", "decision_surface.png"}
    assert (run / "decision_surface.png").read_bytes() != after_fit  # of the points that were measured


def test_a_test_without_a_run_draws_nothing(tmp_path: Path) -> None:
    tiny_trainer(tmp_path).test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert not list(tmp_path.rglob("*.png"))
