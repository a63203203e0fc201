"""The figures of a run, for whatever a run may hold."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.contour import QuadContourSet

from callbacks.media.plots import draw_confusion, draw_curves, draw_predictions, draw_surface, plane

ROW = {"step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25", "val/loss": "1", "val/acc": "0.5"}


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_have_a_point_an_epoch(epochs: int) -> None:
    figure = draw_curves([ROW | {"epoch": str(epoch)} for epoch in range(epochs)])
    loss, accuracy, rate = figure.axes
    assert [line.get_label() for line in loss.lines] == ["train/loss", "val/loss"]
    assert list(loss.lines[0].get_xdata()) == list(range(1, epochs + 1))
    assert list(accuracy.lines[1].get_ydata()) == [50.0] * epochs
    assert len(rate.lines) == 1
    figure.draw_without_rendering()


def test_curves_leave_out_what_was_not_measured() -> None:
    row = {"epoch": "0", "step": "6", "lr": "0.1", "train/loss": "2", "train/acc": "0.25"}
    figure = draw_curves([row, row | {"epoch": "1", "val/loss": ""}])
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1]
    figure.draw_without_rendering()


def test_the_confusion_matrix_counts() -> None:
    figure = draw_confusion(torch.tensor([0, 0, 2, 2]), torch.tensor([0, 1, 2, 2]), ("a", "b", "c"))
    (axes,) = figure.axes
    assert {(*map(int, text.get_position()), text.get_text()) for text in axes.texts} == {
        (0, 0, "1"), (1, 0, "1"), (2, 2, "2"),
    }  # fmt: skip
    assert axes.get_title() == "75.00% of 4 test images are right"
    figure.draw_without_rendering()


@pytest.mark.parametrize("classes", [2, 20, 21, 37, 80, 81, 1000])
def test_the_confusion_matrix_has_a_size_to_look_at_for_any_number_of_classes(classes: int) -> None:
    targets = torch.arange(classes)
    figure = draw_confusion(targets, targets.flip(0), tuple(f"{n:,} of them" for n in range(classes)), "test points")
    figure.draw_without_rendering()  # warns, which is an error here, where there is no room
    (axes,) = figure.axes
    pixels = figure.get_size_inches() * figure.dpi
    assert 300 < pixels.min() <= pixels.max() < 2000
    title = axes.title.get_window_extent()
    assert title.x0 >= 0
    assert title.x1 <= pixels[0]
    assert len(axes.texts) == (classes if classes <= 20 else 0)
    named = [label.get_text() for label in axes.get_xticklabels()]
    assert ("1 of them" in named) == (classes <= 80)


@pytest.mark.parametrize("n", [1, 9, 10, 11, 60])
@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_are_drawn_for_any_number_of_images(n: int, channels: int) -> None:
    images = torch.zeros(n, 8, 8, channels, dtype=torch.uint8)
    targets, guesses = torch.zeros(n).long(), torch.arange(n) % 2
    figure = draw_predictions(images, targets, guesses, torch.full((n,), 0.5), ("cat", "dog"))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == n
    assert titles[0] == "cat (50%)"
    assert titles[1:2] == ["dog (50%)\nis cat"][: n - 1]
    assert figure.axes[0].title.get_color() == "black"
    assert n == 1 or figure.axes[1].title.get_color() == "tab:red"


def test_long_names_do_not_run_into_each_other() -> None:
    names = ("american pit bull terrier", "staffordshire bull terrier")
    n = torch.zeros(60).long()
    figure = draw_predictions(torch.zeros(60, 8, 8, 3, dtype=torch.uint8), n, n + 1, torch.ones(60), names)
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert figure.axes[0].get_title() == "staffordshir… (100%)\nis american pit…"
    assert all(left.x1 < right.x0 for left, right in pairwise(titles[:10]))


def test_names_with_dollars_are_no_mathematics() -> None:
    names = ("a$_$", "b$^$")
    draw_confusion(torch.tensor([0, 1]), torch.tensor([0, 1]), names).draw_without_rendering()
    images = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    figure = draw_predictions(images, torch.tensor([0, 1]), torch.tensor([0, 0]), torch.tensor([0.5, 0.6]), names)
    figure.draw_without_rendering()


def test_grey_images_keep_their_brightness() -> None:
    dim = torch.full((1, 8, 8, 1), 60, dtype=torch.uint8)
    dim[0, 0, 0] = 90
    zero = torch.zeros(1).long()
    (image,) = draw_predictions(dim, zero, zero, torch.ones(1), ("cat", "dog")).axes[0].images
    assert image.get_clim() == (0, 255)


@pytest.mark.parametrize(
    ("surface", "contours"),
    [(lambda x: x[:, 1].clamp(0, 1), 1), (lambda x: x[:, 0] * 0 + 0.5, 0), (lambda x: x[:, 0] * 0, 0)],
    ids=["slope", "undecided", "decided"],
)
def test_a_surface_lies_as_the_plane_does_and_has_a_boundary_if_there_is_one(surface: Callable, contours: int) -> None:
    points, targets = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([1, 0, 0])
    values = surface(plane())
    figure = draw_surface(values, points, targets, torch.tensor([1, 0, 1]), ("no", "yes"), "test points")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    lines = [collection for collection in axes.collections if isinstance(collection, QuadContourSet)]
    assert len(lines) == contours
    for line in lines:
        assert line.get_paths()[0].vertices[:, 1] == pytest.approx(0.5)
    no, yes = (c for c in axes.collections if isinstance(c, PathCollection))
    assert (no.get_label(), no.get_offsets().tolist()) == ("no", [[1, 0], [1, 1]])
    assert (yes.get_label(), yes.get_offsets().tolist()) == ("yes", [[0, 1]])
    assert axes.get_title() == "66.67% of 3 test points are right"
