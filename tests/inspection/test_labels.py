"""What stands in the pictures of `inspect` can be read on its page, and runs into nothing."""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from callbacks.media.confusion import draw_confusion
from callbacks.media.predicted_images import draw_predictions
from inspection.activations import CHANNELS, draw_maps
from inspection.coloured_text import draw_text
from inspection.embedding_map import draw_map
from inspection.filters import draw_filters
from inspection.grad_cam import draw_heat
from inspection.neighbours import NEAREST, draw_neighbours
from inspection.pixels import draw_pixels
from inspection.reach import draw_reach
from inspection.subject import EXAMPLES

PAGE_WIDTH = 1200  # pixels that a picture has at most, by the page's style
LEAST = 11  # pixels that letters are high there
NAMES = ("american pit bull terrier", "staffordshire bull terrier", "automobile", *(f"class {n}" for n in range(7)))


def subject() -> SimpleNamespace:
    """Stands in for what is looked at: as many pictures of ten classes as a page shows."""
    pictures = torch.zeros(EXAMPLES, 32, 32, 3, dtype=torch.uint8)
    classes = torch.arange(EXAMPLES)
    probabilities = torch.eye(EXAMPLES)
    return SimpleNamespace(
        pixels=lambda: pictures,
        stored=lambda rows: pictures[rows],
        data=SimpleNamespace(class_names=NAMES),
        seen=SimpleNamespace(targets=classes, guesses=classes, probabilities=probabilities),
        samples=SimpleNamespace(targets=classes, guesses=classes.flip(0)),
    )


def of_layers() -> Figure:
    """Returns the maps of two layers with long names."""
    layers = [SimpleNamespace(name=f"stages.{n}.blocks.0.convolution") for n in range(2)]
    return draw_maps(torch.zeros(32, 32, 3, dtype=torch.uint8), [torch.rand(256, 8, 8)] * 2, layers)


CLASSES = torch.arange(EXAMPLES)
FIGURES: dict[str, Callable[[], Figure]] = {
    "grad_cam": lambda: draw_heat(subject(), [torch.rand(EXAMPLES, 4, 4)] * 2, torch.stack([CLASSES, 9 - CLASSES], 1)),
    "mistakes": lambda: draw_predictions(subject().pixels(), CLASSES.flip(0), CLASSES, torch.ones(EXAMPLES), NAMES),
    "neighbours": lambda: draw_neighbours(
        subject(), (CLASSES[:NEAREST] + 1).expand(2, -1) % 10, torch.ones(2, NEAREST)
    ),
    "pixels": lambda: draw_pixels(subject(), torch.rand(EXAMPLES, 32, 32), CLASSES),
    "activations": of_layers,
    "filters": lambda: draw_filters(torch.rand(16, 3, 5, 5), "filters", [f"class {n}" for n in range(16)]),
    "map": lambda: draw_map(torch.rand(EXAMPLES, 2), subject().samples, NAMES),
    "reach": lambda: draw_reach([1, 2, 4], torch.rand(3), torch.rand(3), torch.rand(100)),
    "text": lambda: draw_text(["one", "two"], torch.rand(2), "title"),
    **{
        f"confusion_{count}": lambda count=count: draw_confusion(
            torch.arange(count), torch.arange(count), [f"{name}" for name in range(count)]
        )
        for count in (10, 20, 80)
    },
}


SIDE_BY_SIDE = ("grad_cam", "mistakes", "neighbours", "pixels")  # with names of classes above pictures


@pytest.mark.parametrize("name", FIGURES)
def test_letters_are_large_enough_on_the_page_and_titles_apart(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    width = figure.get_size_inches()[0] * figure.dpi
    shown = [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible()]
    heights = {one.get_text(): one.get_fontsize() / 72 * figure.dpi * min(1, PAGE_WIDTH / width) for one in shown}
    assert heights
    assert min(heights.values()) >= LEAST, min(heights, key=heights.__getitem__)
    titles = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    beside = [(left, right) for left, right in pairwise(titles) if right.x0 > left.x0]
    assert all(left.x1 < right.x0 for left, right in beside)
    assert beside or name not in SIDE_BY_SIDE
    names = [axes.yaxis.label.get_window_extent() for axes in figure.axes if axes.get_ylabel()]
    assert all(above.y0 > below.y1 for above, below in pairwise(names) if above.x0 == below.x0)


def test_a_layer_has_its_channels_and_the_end_of_its_name() -> None:
    figure = of_layers()
    assert len([axes for axes in figure.axes if axes.get_title()]) == 2 * CHANNELS
    names = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert names == ["…cks.0.convolution\n256 x 8 x 8"] * 2
