"""The decision surface is that of the model, and lies as the plane does."""

from collections.abc import Callable

import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.contour import QuadContourSet

from callbacks.media.decision_surface import decision_surface, draw_surface, plane
from datamodules import XORDataModule
from lightning_modules import MLP


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
