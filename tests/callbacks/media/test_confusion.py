"""The confusion matrix counts, and can be read for any number of classes."""

import pytest
import torch

from callbacks.media.confusion import draw_confusion


def test_the_confusion_matrix_counts() -> None:
    figure = draw_confusion(torch.tensor([0, 0, 2, 2]), torch.tensor([0, 1, 2, 2]), ("a", "b", "c"))
    (axes,) = figure.axes
    assert {(*map(int, text.get_position()), text.get_text()) for text in axes.texts} == {
        (0, 0, "1"), (1, 0, "1"), (2, 2, "2"),
    }  # fmt: skip
    assert figure.get_suptitle() == "75.00% of 4 test images are right"
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0.0}  # short names need no more room
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", ["{:03}", "a very long name of class {:03}", "LONG NAMES IN UPPER CASE {:03}"])
@pytest.mark.parametrize("classes", [2, 4, 20, 21, 50, 80])
def test_names_of_any_length_leave_the_matrix_its_room(classes: int, name: str) -> None:
    targets = torch.arange(classes)
    figure = draw_confusion(targets, targets, tuple(map(name.format, range(classes))))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    width, height = figure.get_size_inches() * figure.dpi
    assert width < 2000
    assert height < 2000
    inches = axes.get_window_extent().width / figure.dpi
    assert inches >= 0.9 * classes * (0.65 if classes <= 20 else 0.16)
    for text in (
        figure._suptitle,
        axes.xaxis.label,
        axes.yaxis.label,
        *axes.get_xticklabels(),
        *axes.get_yticklabels(),
    ):
        extent = text.get_window_extent()
        assert 0 <= extent.x0 <= extent.x1 <= width, text
        assert 0 <= extent.y0 <= extent.y1 <= height, text


@pytest.mark.parametrize("classes", [2, 20, 21, 80, 81, 1000])
def test_the_confusion_matrix_has_a_size_to_look_at_for_any_number_of_classes(classes: int) -> None:
    targets = torch.arange(classes)
    figure = draw_confusion(targets, targets.flip(0), tuple(f"{n:,} of them" for n in range(classes)), "test points")
    figure.draw_without_rendering()  # warns, which is an error here, where there is no room
    (axes,) = figure.axes
    pixels = figure.get_size_inches() * figure.dpi
    assert 300 < pixels.min() <= pixels.max() < 2000
    assert len(axes.texts) == (classes if classes <= 20 else 0)
    named = [label.get_text() for label in axes.get_xticklabels()]
    assert ("1 of them" in named) == (classes <= 80)
