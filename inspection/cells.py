"""Cells of a recurrent network of characters, and what each of them follows in the text.

Andrej Karpathy, Justin Johnson and Li Fei-Fei, "Visualizing and Understanding Recurrent Networks", 2015,
arXiv:1506.02078.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.media import Figure, Table
from core.protocols.passages import Passages
from inspection.coloured_text import draw_text
from inspection.passages import passages_of
from inspection.subject import Subject
from inspection.text_facts import facts_of
from inspection.views import NotShown, Shown, View

PASSAGES, LENGTH = 32, 600  # of the text that is read
WARM_UP = 50  # symbols of a passage at whose beginning the state is still filling
MEASURED = 10  # symbols of a passage beyond those, at least
SHOWN = 6  # cells whose texts are drawn
CHARACTERS = 500  # of a text that is drawn
LEAST = 0.3  # correlation from which on a cell is said to follow something


@dataclass(frozen=True)
class Follower:
    """A cell that follows something.

    Attributes:
        fact: What it follows.
        layer: Its layer, from 0.
        cell: Its number in the layer.
        correlation: Correlation of the two, on the half of the text on which the cell was not chosen.
    """

    fact: str
    layer: int
    cell: int
    correlation: float


def make(subject: Subject) -> Iterator[Shown]:
    """Lists for each fact about places in the text the cell that follows it best, and draws what some of them do.

    Raises:
        NotShown: The network carries no state of cells, or its data has no text.
    """
    passages = passages_of(subject, PASSAGES, LENGTH, WARM_UP + MEASURED)
    layers = states(subject, passages)
    followers = find_followers(layers, facts_of(passages.texts) | passages.facts)
    if not followers:
        raise NotShown(f"no cell follows anything by which texts are described, with a correlation of {LEAST} or more")
    header = ("what is followed", "layer", "cell", "correlation")
    rows = [(one.fact, f"{one.layer}", f"{one.cell}", f"{one.correlation:+.2f}") for one in followers]
    of_all = f"Of {sum(layer.shape[2] for layer in layers):,} cells"
    caption = (
        f"{of_all}, the one that follows each fact best: chosen on a half of "
        f"{passages.symbols[:, WARM_UP:].numel():,} symbols of {subject.where}, its correlation measured on the other."
    )
    yield Shown(Table(name="cells", step=subject.step, header=header, rows=rows), caption)
    chosen: list[Follower] = []
    for one in followers:
        if (one.layer, one.cell) not in [(other.layer, other.cell) for other in chosen]:
            chosen.append(one)
    drawn = slice(WARM_UP, min(WARM_UP + CHARACTERS, passages.symbols.shape[1]))
    for number, one in enumerate(chosen[:SHOWN], 1):
        values = layers[one.layer][:, :, one.cell]
        row = _liveliest(values[:, drawn])
        shown = values[row, drawn] - values.mean()
        title = f"layer {one.layer}, cell {one.cell}: {one.fact} ({one.correlation:+.2f})"
        figure = draw_text(passages.texts[row][drawn], shown, title, apart=False)
        yield Shown(Figure(name=f"cell_{number}", step=subject.step, figure=figure))


def _liveliest(values: Tensor) -> int:
    """Returns the passage [N, T] in which a cell moves most."""
    return int(values.std(1).argmax())


def states(subject: Subject, passages: Passages) -> list[Tensor]:
    """Returns each layer's cells after each symbol, float32 [N, T, H] on the CPU: of LSTMs the cells, not the outputs.

    Raises:
        NotShown: The state is of another kind, such as the memory of a transformer.
    """
    found: list[list[Tensor]] = []
    state = None
    with subject.explaining(), torch.no_grad():
        for place in range(passages.symbols.shape[1]):
            symbols, marks = passages.read(slice(None), slice(place, place + 1), subject.model.device)
            _, state = subject.model(symbols, state, marks)
            cells = [layer[-1] for layer in state]
            if any(one.ndim != 2 or len(one) != len(symbols) for one in cells):
                raise NotShown(f"the state of {type(subject.model).__name__} has no cells")
            found.append([one.float().cpu() for one in cells])
    return [torch.stack(layer, 1) for layer in zip(*found, strict=True)]


def find_followers(layers: list[Tensor], facts: dict[str, Tensor]) -> list[Follower]:
    """Returns the cell that follows each fact best, where one does, the strongest first.

    Args:
        layers: Cells of each layer, float32 [N, T, H].
        facts: Numbers of each place, float32 [N, T].
    """
    half = len(layers[0]) // 2 or 1
    found = []
    sizes = [layer.shape[2] for layer in layers]
    cells = torch.cat(layers, 2)[:, WARM_UP:]
    for fact, values in facts.items():
        values = values[:, WARM_UP:]
        first = correlations(cells[:half].flatten(0, 1), values[:half].flatten())
        best = int(first.abs().argmax())
        other = correlations(cells[-half:, :, best].reshape(-1, 1), values[-half:].flatten())
        layer = next(place for place in range(len(sizes)) if best < sum(sizes[: place + 1]))
        if abs(float(other)) >= LEAST:
            found.append(Follower(fact, layer, best - sum(sizes[:layer]), float(other)))
    return sorted(found, key=lambda one: -abs(one.correlation))


def correlations(cells: Tensor, values: Tensor) -> Tensor:
    """Returns the correlation of each cell with numbers, float32 [H]; 0 where one of them does not vary.

    Args:
        cells: float32 [M, H].
        values: float32 [M].
    """
    cells, values = cells - cells.mean(0), values - values.mean()
    norms = cells.norm(dim=0) * values.norm()
    return torch.where(norms > 0, values @ cells / norms.clamp(min=1e-12), 0.0)


VIEW = View(
    "cells",
    "Which cell follows what",
    "A recurrent network keeps what it needs of the text in its cells. Some of them follow something that has a name:"
    " whether a quotation is open, how far the line or the bar has come, whether a word is about to end. Most follow "
    "nothing so simple. Red is above the cell's mean, blue below it.",
    make,
)
