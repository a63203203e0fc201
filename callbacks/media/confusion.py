"""Confusion matrix: how often each class is taken for each."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from callbacks.media.titles import accuracy_title, shortened
from core.terminal.printable import columns

COUNTED = 20  # classes up to which the matrix shows numbers
NAMED = 80  # classes up to which it shows names
FITTING = 6  # letters of a name that fit below a column with numbers
LETTERS = 24  # of a name that are shown
LETTER = 0.095  # inches of one, about


def draw_confusion(
    targets: Tensor, guesses: Tensor, class_names: tuple[str, ...], samples: str = "test images"
) -> Figure:
    """Draws how often each class is taken for each.

    Args:
        targets: Classes, int64 [N].
        guesses: Predicted classes, int64 [N].
        class_names: Names of the classes.
        samples: What the samples are called, for the title.

    Returns:
        The figure.
    """
    k = len(class_names)
    counts = torch.bincount(targets * k + guesses, minlength=k * k).view(k, k)
    share = counts.float() / counts.sum(1, keepdim=True).clamp(min=1)
    names = [shortened(name, LETTERS) for name in class_names]
    longest = max(map(columns, names))
    beside = LETTER * longest if k <= NAMED else 0.4
    below = beside if k > COUNTED else 0.75 * beside if longest > FITTING else 0.2
    side = 0.65 * k if k <= COUNTED else min(0.16 * k, 13)
    size = max(4.8, 0.9 + beside + side), max(3.0, 1.1 + below + side)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if k <= COUNTED:
        for row, column in counts.nonzero().tolist():
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=10)
        turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > FITTING else {}
        axes.set_xticks(range(k), names, **turned)
        axes.set_yticks(range(k), names)
    elif k <= NAMED:
        axes.set_xticks(range(k), names, rotation=90, fontsize=10)
        axes.set_yticks(range(k), names, fontsize=10)
    axes.set(xlabel="predicted", ylabel="true")
    figure.suptitle(accuracy_title(targets, guesses, samples))  # which may be wider than the matrix
    return figure
