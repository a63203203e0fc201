"""Pictures with captions beside those by people, and the places that words attend to."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor

from core.indices import evenly_spaced_indices
from core.media import Figure, Medium
from core.protocols.captions import Describes, HasCaptions
from core.terminal.printable import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

COLUMNS, ROWS = 4, 3
MAPS = 3  # pictures whose attention is drawn
LONGEST = 15  # words of a row of maps
WIDTH = 42  # characters of a line below a picture
SIDE, BELOW, LINE = 3.0, 1.4, 0.135  # inches: of a picture, of the room below it, of a line there


def caption_media(model: LightningModule, data: object, step: int, part: str = "val") -> Iterator[Medium]:
    """Yields a figure of evenly spaced pictures with captions, and one of the attention of words, if there is any.

    Args:
        model: The model, in evaluation mode.
        data: The data module; there is nothing for one without captions or without pictures in the part.
        step: Optimizer steps of the model.
        part: The part, `val` or `test`, by which the figures are named after the test.
    """
    if not isinstance(model, Describes) or not isinstance(data, HasCaptions):
        return
    people = data.references(part)
    if not people:
        return
    places = evenly_spaced_indices(len(people), min(COLUMNS * ROWS, len(people)))
    images = data.batch_of(part, places).images.to(model.device)
    captions = model.describe(images, model.beam)
    words = [data.words_of(symbols) for symbols in captions]
    pictures = data.images_of(part, places).cpu()
    beginning = "test_" if part == "test" else ""
    figure = draw_captions(pictures, words, [people[place] for place in places.tolist()])
    yield Figure(name=f"{beginning}pictures", step=step, figure=figure)
    weights = model.attention_to(images, captions)
    if weights is not None:
        figure = draw_attention(pictures[:MAPS], words[:MAPS], weights[:MAPS].float().cpu())
        yield Figure(name=f"{beginning}attention", step=step, figure=figure)


def draw_captions(
    pictures: Tensor, words: Sequence[Sequence[str]], people: Sequence[Sequence[str]]
) -> "MatplotlibFigure":
    """Draws pictures with what is written of them, and below it what two people wrote.

    Args:
        pictures: uint8 [N, H, W, C].
        words: Words of the caption of each.
        people: Captions by people of each.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    across = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // across)
    figure = MatplotlibFigure(figsize=(SIDE * across, (SIDE + BELOW) * rows), layout="constrained")
    axes = figure.subplots(2 * rows, across, squeeze=False, height_ratios=[SIDE, BELOW] * rows)
    for axis in axes.flatten():
        axis.set_axis_off()
    cells = zip(axes[::2].flatten(), axes[1::2].flatten(), strict=True)
    for (above, below), picture, caption, texts in zip(cells, pictures, words, people, strict=False):
        above.imshow(picture.numpy())
        ours = _filled(" ".join(caption) or "(nothing)")
        theirs = "\n".join(map(_filled, texts[:2]))
        how = {"transform": below.transAxes, "va": "top", "fontsize": 8, "parse_math": False}
        below.text(0, 1, ours, weight="bold", **how)
        below.text(0, 1 - LINE / BELOW * (len(ours.splitlines()) + 0.3), theirs, color="#555555", **how)
    return figure


def _filled(text: str) -> str:
    """Returns a text in up to three lines, of fewer letters where these are wide."""
    width = WIDTH * len(text) // max(1, len(text), columns(text))
    return textwrap.fill(text, max(10, width), max_lines=3, placeholder=" ...")


def draw_attention(pictures: Tensor, words: Sequence[Sequence[str]], weights: Tensor) -> "MatplotlibFigure":
    """Draws a row for each picture: the picture, and once more for each word, bright where the word attends.

    Args:
        pictures: uint8 [N, H, W, C].
        words: Words of the caption of each.
        weights: Weights of the places by word, [N, T, h, w].
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    across = 1 + max(1, min(LONGEST, max(map(len, words))))
    figure = MatplotlibFigure(figsize=(1.25 * across, 1.5 * len(pictures)), layout="constrained")
    axes = figure.subplots(len(pictures), across, squeeze=False)
    for axis in axes.flatten():
        axis.set_axis_off()
    for row, picture, caption, maps in zip(axes, pictures, words, weights, strict=True):
        size = picture.shape[:2]
        row[0].imshow(picture.numpy())
        for axis, word, map_ in zip(row[1:], caption, maps.float(), strict=False):
            upsampled = F.interpolate(map_[None, None], size, mode="bilinear")[0, 0]
            axis.imshow(picture.float().mean(2).numpy(), cmap="gray", vmin=0, vmax=255)
            axis.imshow(upsampled.numpy(), cmap="inferno", alpha=0.6, vmin=0)
            axis.set_title(word, fontsize=8, parse_math=False)
    return figure
