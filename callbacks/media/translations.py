"""Translations of validation sentences, and what their symbols attend to."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytorch_lightning import LightningModule
from torch import Tensor

from core.indices import evenly_spaced_indices
from core.media import Figure, Medium, Table
from core.protocols.translation import HasTranslations, Translates

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

SENTENCES = 12  # in the table
MAPS = 4  # sentences whose attention is drawn
LONGEST = 40  # symbols of a map, beyond which its labels could not be read


def translation_media(model: LightningModule, data: object, step: int) -> Iterator[Medium]:
    """Yields a table of evenly spaced validation sentences with their translations, and a figure of the attention.

    Args:
        model: The model, in evaluation mode.
        data: The data module; there is nothing for one without validation pairs.
        step: Optimizer steps of the model.
    """
    if not isinstance(model, Translates) or not isinstance(data, HasTranslations):
        return
    sentences, references = data.sentences("val"), data.references("val")
    if not sentences:
        return
    places = evenly_spaced_indices(len(sentences), min(SENTENCES, len(sentences)))
    batch = data.batch_of("val", places)
    sources, lengths = batch.sources.to(model.device), batch.source_lengths.to(model.device)
    translations = model.translate(sources, lengths, model.beam)
    rows = [
        [sentences[place], references[place], data.translation_of(symbols)]
        for place, symbols in zip(places.tolist(), translations, strict=True)
    ]
    yield Table(name="translations", step=step, header=["sentence", "reference", "translation"], rows=rows)
    weights = model.attention_to(sources, lengths, translations)
    if weights is not None:
        pieces = [data.pieces_of(source, symbols) for source, symbols in zip(sources, translations, strict=True)]
        yield Figure(name="attention", step=step, figure=draw_attention(pieces[:MAPS], weights[:MAPS]))


def draw_attention(pieces: Sequence[tuple[list[str], list[str]]], weights: Tensor) -> "MatplotlibFigure":
    """Draws how much each symbol of translations attends to each of their sentences.

    Args:
        pieces: Symbols of each sentence, and of its translation.
        weights: [N, T, S].
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(figsize=(11, 11), layout="constrained")
    axes = figure.subplots(-(-len(pieces) // 2), min(2, len(pieces)), squeeze=False).flatten()
    for axis in axes[len(pieces) :]:
        axis.set_axis_off()
    for axis, (source, target), map_ in zip(axes, pieces, weights.float().cpu(), strict=False):
        source, target = source[:LONGEST], target[:LONGEST]
        axis.imshow(map_[: max(1, len(target)), : len(source)].numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axis.set_xticks(range(len(source)), map(_label, source), rotation=90, fontsize=8, parse_math=False)
        axis.set_yticks(range(len(target)), map(_label, target), fontsize=8, parse_math=False)
        axis.set_xlabel("sentence")
        axis.set_ylabel("translation")
    return figure


def _label(piece: str) -> str:
    return piece.replace(" ", "\u2423")  # an open box, as a space cannot be seen
