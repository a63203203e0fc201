"""Images are drawn with their predicted classes."""

from itertools import pairwise

import pytest
import torch

from callbacks.media.confusion import draw_confusion
from callbacks.media.predicted_images import draw_predictions


@pytest.mark.parametrize(("n", "channels"), [(1, 3), (2, 1), (10, 3), (11, 1), (60, 3)])
def test_predictions_are_drawn_for_any_number_of_images(n: int, channels: int) -> None:
    images = torch.zeros(n, 8, 8, channels, dtype=torch.uint8)
    targets, guesses = torch.zeros(n).long(), torch.arange(n) % 2
    figure = draw_predictions(images, targets, guesses, torch.full((n,), 0.5), ("cat", "dog"))
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == n
    assert titles[0] == "cat: 50%"
    assert titles[1:2] == ["dog: 50%\nis cat"][: n - 1]
    assert figure.axes[0].title.get_color() == "black"
    assert n == 1 or figure.axes[1].title.get_color() == "tab:red"


def test_long_names_do_not_run_into_each_other() -> None:
    names = ("american pit bull terrier", "staffordshire bull terrier")
    n = torch.zeros(10).long()  # a row
    figure = draw_predictions(torch.zeros(10, 8, 8, 3, dtype=torch.uint8), n, n + 1, torch.ones(10), names)
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes]
    assert figure.axes[0].get_title() == "staffordshi…: 100%\nis american pi…"
    assert all(left.x1 < right.x0 for left, right in pairwise(titles))


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
