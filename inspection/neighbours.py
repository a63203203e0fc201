"""Nearest neighbours in the last layer: which samples are alike to the network."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import shortened
from core.media import Figure, Table
from core.predictions import excerpt
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

NEAREST = 9
NAME_WIDTH = 11  # letters of a class name above a picture
TEXTS_NEAREST = 3
LENGTH = 200  # characters of a text


def make(subject: Subject) -> Iterator[Shown]:
    """Shows the samples of the part that are nearest to each example.

    Raises:
        NotShown: There is no last dense layer, or nothing to show of samples.
    """
    features, samples = subject.features(), subject.classified()
    rows, likeness = nearest(subject.seen.features, features, own(subject), NEAREST)
    where = f"cosine similarity of what enters the last dense layer, {features.shape[1]} numbers"
    if subject.shows_images:
        figure = draw_neighbours(subject, rows, likeness)
        caption = (
            f"Left the picture, then its nearest of {len(samples):,} of {subject.part}, by {where}; in red those of "
            "another class than the first column."
        )
        yield Shown(Figure(name="neighbours", step=subject.step, figure=figure), caption)
    elif samples.tokens:
        names, table = subject.data.class_names, []
        for number, (found, values) in enumerate(zip(rows, likeness, strict=True)):
            table.append((excerpt(subject.text_of_example(number), LENGTH), "", ""))
            for row, value in zip(found[:TEXTS_NEAREST].tolist(), values.tolist(), strict=False):
                text = excerpt(subject.text_of(int(samples.places[row]), samples.tokens[row]), LENGTH)
                table.append((f"→ {text}", names[int(samples.targets[row])], f"{value:.2f}"))
        header = ("text, and below it its nearest", "class", "similarity")
        yield Shown(Table(name="neighbours", step=subject.step, header=header, rows=table), f"By {where}.")
    else:
        raise NotShown(f"samples of {type(subject.data).__name__} are neither pictures nor texts")


def own(subject: Subject) -> Tensor:
    """Returns the row in the part that each example is itself, -1 for inputs, int64 [N]."""
    if subject.names:
        return torch.full((len(subject.seen),), -1)
    places = {place: row for row, place in enumerate(subject.samples.places.tolist())}
    return torch.tensor([places[place] for place in subject.seen.places.tolist()])


def nearest(examples: Tensor, features: Tensor, own: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Returns the rows of the features nearest to examples, int64 [N, count], and their cosine similarities.

    Args:
        examples: float32 [N, D].
        features: float32 [M, D].
        own: Row of each example among the features, which is left out; -1 if it is not there.
        count: How many of each.
    """
    likeness = F.normalize(examples, dim=1) @ F.normalize(features, dim=1).T
    known = own >= 0
    likeness[known.nonzero()[:, 0], own[known]] = -2.0
    values, rows = likeness.topk(min(count, likeness.shape[1] - 1))
    return rows, values


def draw_neighbours(subject: Subject, rows: Tensor, likeness: Tensor) -> MatplotlibFigure:
    """Draws each example beside the pictures nearest to it."""
    pixels, names = subject.pixels(), [shortened(name, NAME_WIDTH) for name in subject.data.class_names]
    n, count = rows.shape
    figure = MatplotlibFigure(figsize=(1.2 * (count + 1), 1.45 * n), dpi=110, layout="constrained")
    table = figure.subplots(n, count + 1, squeeze=False)
    for line in range(n):
        target = int(subject.seen.targets[line])
        guess = int(subject.seen.guesses[line])
        first = names[target] if target >= 0 else f"taken for\n{names[guess]}"
        pictures = [pixels[line], *subject.stored(rows[line])]
        classes = [None, *subject.samples.targets[rows[line]].tolist()]
        reference = target if target >= 0 else guess
        for column, (picture, one) in enumerate(zip(pictures, classes, strict=True)):
            axes = table[line, column]
            axes.axis("off")
            axes.imshow(picture.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            title = first if one is None else f"{names[one]}: {likeness[line, column - 1]:.2f}"
            weight = "bold" if one is None else "normal"
            colour = "black" if one in (None, reference) else "tab:red"
            axes.set_title(title, fontsize=8, color=colour, fontweight=weight)
    return figure


VIEW = View(
    "neighbours",
    "Nearest neighbours in the last layer",
    "Which samples are alike to the network, just before it decides: those whose numbers there point in the same "
    "direction. Neighbours that look different but mean the same show what it has learned to see past; neighbours of "
    "another class show where it errs.",
    make,
)
