"""Decision surface: which of two classes a model predicts everywhere in the plane."""

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from callbacks.media.titles import accuracy_title, plain
from core.evaluation_mode import evaluation_mode
from core.protocols.general import HasPoints

SQUARE = (-0.5, 1.5)  # both axes
POINTS = 121  # on each of them


def decision_surface(model: nn.Module, data: HasPoints, part: str) -> Figure:
    """Draws the probability of the second class everywhere, and the points of one part of the data.

    Args:
        model: Returns logits [N, 2] of a batch; its mode and device stay as they are.
        data: Has the points.
        part: `train` or `test`.

    Returns:
        The figure.
    """
    points, targets = data.points_of(part)
    logits = _logits(model, data, torch.cat([points, plane()]))
    guesses, surface = logits[: len(points)].argmax(1), logits[len(points) :].softmax(1)[:, 1]
    samples = f"{'training' if part == 'train' else part} {data.unit}"
    return draw_surface(surface, points, targets, guesses, data.class_names, samples)


@torch.no_grad()
def _logits(model: nn.Module, data: HasPoints, points: Tensor) -> Tensor:
    """Returns logits, float32 [N, 2] on the CPU, of points [N, 2]."""
    parameter = next(model.parameters())
    batches = data.point_inputs(points).split(data.eval_batch_size)
    # every value counts here, so in the weights' own number format
    with evaluation_mode(model), torch.autocast(parameter.device.type, enabled=False):
        return torch.cat([model(batch.to(parameter.device, parameter.dtype)).float().cpu() for batch in batches])


def plane() -> Tensor:
    """Returns the points that `draw_surface` takes probabilities of, [POINTS * POINTS, 2], row by row from below."""
    axis = torch.linspace(*SQUARE, POINTS, dtype=torch.float32)
    x2, x1 = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x1, x2], -1).view(-1, 2)


def draw_surface(
    surface: Tensor, points: Tensor, targets: Tensor, guesses: Tensor, class_names: tuple[str, ...], samples: str
) -> Figure:
    """Draws the probability of the second of two classes in the plane, and points with their true classes.

    Args:
        surface: Probability of the second class at each point of `plane`, [POINTS * POINTS].
        points: [N, 2].
        targets: Their classes, int64 [N].
        guesses: Predicted classes, int64 [N].
        class_names: Names of the two classes.
        samples: What the points are called, for the title.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(6, 5.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    grid = surface.view(POINTS, POINTS).numpy()
    area = axes.imshow(
        grid, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.7, origin="lower", extent=SQUARE * 2, interpolation="bilinear"
    )
    figure.colorbar(area, label=f"probability of '{plain(class_names[1])}'")
    if grid.min() < 0.5 < grid.max():
        axis = torch.linspace(*SQUARE, POINTS, dtype=torch.float32).numpy()
        axes.contour(axis, axis, grid, levels=[0.5], colors="black", linewidths=1.5)
    for number, colour in enumerate(("tab:blue", "tab:red")):
        x1, x2 = points[targets == number].T.numpy()
        axes.scatter(x1, x2, s=14, color=colour, edgecolors="white", linewidths=0.5, label=plain(class_names[number]))
    figure.legend(loc="outside lower center", ncols=2)
    axes.set(xlim=SQUARE, ylim=SQUARE, xlabel="x1", ylabel="x2", title=accuracy_title(targets, guesses, samples))
    return figure
