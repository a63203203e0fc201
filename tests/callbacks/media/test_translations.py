"""A table of validation sentences with their translations, and a figure of what their symbols attend to."""

import pytest
import torch

from callbacks.media.translations import draw_attention, translation_media
from core.media import Figure, Table
from core.protocols.translation import HasTranslations, Translates
from datamodules.pairs.pieces import PairEncoding
from lightning_modules import CharRNN, Seq2Seq
from tests.tiny_text import TinyPairs


@pytest.fixture(scope="module")
def data() -> TinyPairs:
    """Pairs of words."""
    pairs = TinyPairs(encoding=PairEncoding("word", None))
    pairs.prepare_data()
    return pairs


def network(data: TinyPairs, **settings: object) -> Seq2Seq:
    """Returns a small network."""
    torch.manual_seed(0)
    sizes = (data.vocab_size, data.source_vocab_size)
    return Seq2Seq(*sizes, hidden=6, embedding=6, scoring="words", beam=2, **settings).eval()


def test_sentences_stand_beside_references_and_translations(data: TinyPairs) -> None:
    model = network(data)
    assert isinstance(model, Translates)
    assert isinstance(data, HasTranslations)
    table, figure = translation_media(model, data, step=7)
    assert isinstance(table, Table)
    assert isinstance(figure, Figure)
    assert (table.name, figure.name, table.step) == ("translations", "attention", 7)
    assert table.header == ["sentence", "reference", "translation"]
    assert [row[0] for row in table.rows] == data.sentences("val")
    assert [row[1] for row in table.rows] == data.references("val")
    batch = data.batch_of("val", torch.arange(12))
    alone = model.translate(batch.sources, batch.source_lengths, 2)[3]
    assert table.rows[3][2] == data.translation_of(alone)
    axes = figure.figure.axes[3]
    words = [label.get_text() for label in axes.get_xticklabels()]
    assert "".join(words).replace("\u2423", " ").strip() == data.sentences("val")[3]
    figure.figure.draw_without_rendering()


def test_there_is_no_figure_without_attention_and_nothing_for_other_models(data: TinyPairs) -> None:
    (table,) = translation_media(network(data, attention="none"), data, step=1)
    assert table.name == "translations"
    assert not list(translation_media(CharRNN(9, hidden=4), data, step=1))
    assert not list(translation_media(network(data), object(), step=1))


def test_long_empty_and_odd_symbols_can_be_drawn() -> None:
    pieces = [(["$a$", "z"] * 40, ["_"] * 60), ([" x"], []), ([" y"], [" z"])]
    figure = draw_attention(pieces, torch.rand(3, 80, 80))
    figure.draw_without_rendering()
    assert figure.axes[0].images[0].get_array().shape == (40, 40)
    assert not figure.axes[3].axison
