"""Pictures of a run, for whatever a run may hold."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from pytorch_lightning.loggers import WandbLogger

from callbacks.pictures import _save, draw_confusion, draw_curves, draw_predictions
from engine.run_folder import RunFolder
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
    _save(run, "curves.png", draw_curves([ROW | {"epoch": "0"}]))
    assert sent == ["curves"]
    assert set(_sizes(tmp_path)) == {"curves.png"}


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_have_a_point_an_epoch(epochs: int) -> None:
    figure = draw_curves([ROW | {"epoch": str(epoch)} for epoch in range(epochs)])
    loss, accuracy, rate = figure.axes
    assert [line.get_label() for line in loss.lines] == ["train/loss", "val/loss"]
    assert list(loss.lines[0].get_xdata()) == list(range(1, epochs + 1))
    assert list(accuracy.lines[1].get_ydata()) == [50.0] * epochs
    assert len(rate.lines) == 1
    figure.canvas.draw()


def test_curves_leave_out_what_was_not_measured() -> None:
    row = {"epoch": "0", "step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25"}
    figure = draw_curves([row, row | {"epoch": "1", "val/loss": ""}])
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1]
    figure.canvas.draw()


def test_the_confusion_matrix_counts() -> None:
    figure = draw_confusion(torch.tensor([0, 0, 2, 2]), torch.tensor([0, 1, 2, 2]), ("a", "b", "c"))
    (axes,) = figure.axes
    assert {(*map(int, text.get_position()), text.get_text()) for text in axes.texts} == {
        (0, 0, "1"), (1, 0, "1"), (2, 2, "2"),
    }  # fmt: skip
    assert axes.get_title() == "75.00% of 4 test images are right"
    figure.canvas.draw()


@pytest.mark.parametrize("n", [1, 9, 10, 11, 60])
@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_are_drawn_for_any_number_of_images(n: int, channels: int) -> None:
    images = torch.zeros(n, 8, 8, channels, dtype=torch.uint8)
    targets, guesses = torch.zeros(n).long(), torch.arange(n) % 2
    figure = draw_predictions(images, targets, guesses, torch.full((n,), 0.5), ("cat", "dog"))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == n
    assert titles[0] == "cat 50%"
    assert titles[1:2] == ["dog 50%\nis cat"][: n - 1]
    assert figure.axes[0].title.get_color() == "black"
    assert n == 1 or figure.axes[1].title.get_color() == "tab:red"
