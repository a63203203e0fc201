"""The figures of a run, drawn from plain numbers."""

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

SECOND_PANEL = {"acc": "accuracy (%)", "bits": "bits a symbol"}  # of curves.png
COLUMNS, ROWS = 10, 6  # of predictions.png
COUNTED = 20  # classes up to which the confusion matrix shows numbers
NAMED = 80  # classes up to which it shows names
NAME_WIDTH = 13  # letters of a class name above a prediction

SQUARE = (-0.5, 1.5)  # both axes of the decision surface
POINTS = 121  # on each of them


def draw_curves(rows: list[dict[str, str]]) -> Figure:
    """Draws loss, accuracy (or bits, of a language model) and learning rate by epoch.

    Args:
        rows: The rows of metrics.csv.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(12, 3.6), dpi=120, layout="constrained")
    second = "bits" if any("train/bits" in row for row in rows) else "acc"
    for axes, (title, columns) in zip(
        figure.subplots(1, 3),
        {
            "loss": ["train/loss", "val/loss"],
            SECOND_PANEL[second]: [f"train/{second}", f"val/{second}"],
            "learning rate at the epoch's end": ["lr"],
        }.items(),
        strict=True,
    ):
        scale = 100 if "%" in title else 1
        for column, colour in zip(columns, ("tab:blue", "tab:orange"), strict=False):
            points = [(int(row["epoch"]) + 1, float(row[column]) * scale) for row in rows if row.get(column)]
            if points:
                axes.plot(*zip(*points, strict=True), ".-", color=colour, label=column)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        if len(columns) > 1:
            axes.legend()
    return figure


def draw_gradient_flow(norms: dict[str, Tensor]) -> Figure:
    """Draws how strongly a prediction depends on each input before it.

    Args:
        norms: Norms of the gradient by distance in time, float32 [T], under what each curve is called.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    for (label, values), colour in zip(norms.items(), ("tab:gray", "tab:blue"), strict=False):
        axes.plot((values / values[0]).clamp(min=1e-12).numpy(), color=colour, label=label)
    axes.set(
        yscale="log",
        xlabel="steps back in time",
        ylabel="gradient norm, of that at the last step",
        title="what the last prediction's loss depends on",
    )
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def draw_confusion(targets: Tensor, guesses: Tensor, class_names: tuple[str, ...], what: str = "test images") -> Figure:
    """Draws how often each class is taken for each.

    Args:
        targets: Classes, int64 [N].
        guesses: What the model takes them for, int64 [N].
        class_names: Names of the classes.
        what: What has been classified, for the title.

    Returns:
        The figure.
    """
    k = len(class_names)
    counts = torch.bincount(targets * k + guesses, minlength=k * k).view(k, k)
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    side = 0.65 * k if k <= COUNTED else min(0.16 * k, 13)
    figure = Figure(figsize=(max(4.8, 1.8 + side), max(3.0, 1.5 + side)), dpi=120, layout="constrained")
    axes = figure.subplots()
    names = [_plain(name) for name in class_names]
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if k <= COUNTED:
        for row, column in counts.nonzero().tolist():
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(k), names, rotation=45, ha="right")
        axes.set_yticks(range(k), names)
    elif k <= NAMED:
        axes.set_xticks(range(k), names, rotation=90, fontsize=7)
        axes.set_yticks(range(k), names, fontsize=7)
    axes.set(xlabel="predicted", ylabel="true", title=_verdict(targets, guesses, what))
    return figure


def draw_predictions(
    images: Tensor, targets: Tensor, guesses: Tensor, probabilities: Tensor, class_names: tuple[str, ...]
) -> Figure:
    """Draws images with what the model takes them for; wrong guesses in red, with the truth.

    Args:
        images: uint8 [N, H, W, C].
        targets: Classes, int64 [N].
        guesses: What the model takes them for, int64 [N].
        probabilities: How sure it is, [N].
        class_names: Names of the classes.

    Returns:
        The figure.
    """
    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(1.35 * COLUMNS, 1.75 * rows), dpi=120, layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.axis("off")
    short = [name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…" for name in class_names]
    names = [_plain(name) for name in short]
    for axes, image, target, guess, probability in zip(
        figure.axes, images, targets, guesses, probabilities, strict=False
    ):
        picture = Image.fromarray(image.squeeze(-1).numpy())
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        right = target == guess
        truth = "" if right else f"\nis {names[target]}"
        axes.set_title(f"{names[guess]} ({probability:.0%}){truth}", fontsize=8, color="black" if right else "tab:red")
    return figure


def plane() -> Tensor:
    """Returns the points at which `draw_surface` wants probabilities, [POINTS * POINTS, 2], row by row from below."""
    axis = torch.linspace(*SQUARE, POINTS)
    x2, x1 = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x1, x2], -1).view(-1, 2)


def draw_surface(
    surface: Tensor, points: Tensor, targets: Tensor, guesses: Tensor, class_names: tuple[str, ...], what: str
) -> Figure:
    """Draws where in the plane a model sees which of two classes, and points whose class is known.

    Args:
        surface: Probability of the second class at each point of `plane`, [POINTS * POINTS].
        points: [N, 2].
        targets: Their classes, int64 [N].
        guesses: What the model takes them for, int64 [N].
        class_names: Names of the two classes.
        what: What the points are, for the title.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(6, 5.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    grid = surface.view(POINTS, POINTS).numpy()
    area = axes.imshow(
        grid, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.7, origin="lower", extent=SQUARE * 2, interpolation="bilinear"
    )
    figure.colorbar(area, label=f"probability of '{class_names[1]}'")
    if grid.min() < 0.5 < grid.max():
        axis = torch.linspace(*SQUARE, POINTS).numpy()
        axes.contour(axis, axis, grid, levels=[0.5], colors="black", linewidths=1.5)
    for number, colour in enumerate(("tab:blue", "tab:red")):
        x1, x2 = points[targets == number].T.numpy()
        axes.scatter(x1, x2, s=14, color=colour, edgecolors="white", linewidths=0.5, label=class_names[number])
    figure.legend(loc="outside lower center", ncols=2)
    axes.set(xlim=SQUARE, ylim=SQUARE, xlabel="x1", ylabel="x2", title=_verdict(targets, guesses, what))
    return figure


def _verdict(targets: Tensor, guesses: Tensor, what: str) -> str:
    return f"{(targets == guesses).float().mean():.2%} of {len(targets):,} {what} are right"


def _plain(name: str) -> str:
    """Returns a name as matplotlib is to be given it: dollars are not to be taken for mathematics."""
    return name.replace("$", r"\$")
