"""Pictures of a run: which are drawn when, and where they go."""

from pathlib import Path
from types import SimpleNamespace

import torch
from PIL import Image
from pytorch_lightning.loggers import WandbLogger

from callbacks.media.pictures import decision_surface, save_picture
from callbacks.media.plots import draw_curves
from datamodules import XORDataModule
from engine.run_folder import RunFolder
from lightning_modules import MLP
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

ROW = {"step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25", "val/loss": "1", "val/acc": "0.5"}


def _sizes(folder: Path) -> dict[str, tuple[int, int]]:
    sizes = {}
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    return sizes


def test_a_fit_draws_curves_and_a_test_draws_the_rest(tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(model, data)
    run = trainer.run_folder.path
    assert set(_sizes(run)) == {"curves.png"}
    trainer.test(model, data, verbose=False)
    sizes = _sizes(run)
    assert set(sizes) == {"curves.png", "confusion.png", "predictions.png"}
    assert all(min(size) > 100 for size in sizes.values())


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


def test_the_surface_is_that_of_the_model_and_leaves_its_modes_alone() -> None:
    data = XORDataModule(repeats=10, noise=0.0)
    data.setup("test")
    model = MLP(2, in_channels=2, image_size=1, widths=[], dropout=0.9, input_dropout=0.9)
    with torch.no_grad():  # class 1 where x1 > 0.25, which in the network's coordinates is -0.5
        model.layers[-1].weight.copy_(torch.tensor([[0.0, 0.0], [4.0, 0.0]]))
        model.layers[-1].bias.copy_(torch.tensor([0.0, 2.0]))
    model.train()
    model.layers[0].eval()  # one that is not like the others
    modes = [module.training for module in model.modules()]
    axes, bar = decision_surface(model, data, "train").axes
    assert [module.training for module in model.modules()] == modes
    (area,) = axes.images
    grid = torch.from_numpy(area.get_array().data)
    x1 = torch.linspace(-0.5, 1.5, grid.shape[1])
    torch.testing.assert_close(grid, (4 * (2 * x1 - 1) + 2).sigmoid().expand_as(grid), rtol=0, atol=1e-5)
    assert list(area.get_extent()) == [-0.5, 1.5, -0.5, 1.5]
    assert area.origin == "lower"
    assert bar.get_ylabel() == "probability of 'different'"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", "x2")
    assert axes.get_title() == "50.00% of 40 training points are right"
    assert decision_surface(model, data, "test").axes[0].get_title() == "50.00% of 40 test points are right"


def test_a_test_without_a_run_draws_nothing(tmp_path: Path) -> None:
    tiny_trainer(tmp_path).test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert not list(tmp_path.rglob("*.png"))


def test_a_picture_reaches_weights_and_biases(tmp_path: Path) -> None:
    sent: list[str] = []

    class Fake(WandbLogger):
        def __init__(self) -> None:
            pass

        def log_image(self, key: str, images: list[str]) -> None:
            sent.append(key)

    run = SimpleNamespace(run_folder=RunFolder(tmp_path), is_global_zero=True, loggers=[Fake()])
    save_picture(run, "curves.png", draw_curves([ROW | {"epoch": "0"}]))
    assert sent == ["curves"]
    assert set(_sizes(tmp_path)) == {"curves.png"}
