"""A name stands in a plot as it is."""

import pytest
import torch
from matplotlib.figure import Figure

from callbacks.media.curves import draw_curves
from callbacks.media.decision_surface import draw_surface, plane
from callbacks.media.titles import plain, shortened
from inspection.collecting import Samples
from inspection.embedding_map import draw_map

NAMES = ("_background", "$a$", "cat")


def legend_of(figure: Figure) -> list[str]:
    """Returns the names in the legend of a figure, or of its plot."""
    figure.draw_without_rendering()
    (legend,) = figure.legends or [figure.axes[0].get_legend()]
    return [text.get_text() for text in legend.get_texts()]


def test_a_legend_leaves_out_no_name() -> None:
    """Matplotlib leaves out those that begin with an underscore."""
    points, classes = torch.rand(30, 2), torch.arange(30) % 3
    probabilities = torch.eye(3)[classes]
    samples = Samples(places=classes, targets=classes, probabilities=probabilities, features=None, tokens=[])
    assert legend_of(draw_map(points, samples, NAMES)) == [plain(name) for name in NAMES]
    two = points, classes.clamp(max=1), classes.clamp(max=1), NAMES[:2], "test points"
    assert legend_of(draw_surface(plane()[:, 0], *two)) == [plain(name) for name in NAMES[:2]]
    rows = [{"epoch": "0", "step": "1", "_own": "1.0"}, {"epoch": "1", "step": "2", "_own": "2.0"}]
    assert legend_of(draw_curves(rows, {})) == [" _own"]


@pytest.mark.parametrize(
    ("name", "shown"), [("_background", " _background"), ("cost_in_$", "cost_in_\\$"), ("a cat", "a cat")]
)
def test_a_name_is_no_markup(name: str, shown: str) -> None:
    assert plain(name) == shown


def test_a_long_name_is_cut() -> None:
    assert shortened("a very long name", 8) == "a very …"
