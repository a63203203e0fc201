"""The loss is a masked and smoothed mean over symbols, and translations are limited by their own sentences."""

import pytest
import torch
import torch.nn.functional as F

from datamodules.batches import PairBatch
from datamodules.text.special_symbols import BEGIN, END
from lightning_modules import Seq2Seq
from lightning_modules.tasks.sequence_to_sequence import TRANSLATION, WORDS, shifted

V = 12


def model(**settings: object) -> Seq2Seq:
    """Returns a small network."""
    torch.manual_seed(0)
    return Seq2Seq(V, V, hidden=6, embedding=5, **{"scoring": "words"} | settings).eval()


def batch(tokens: float = 6.0) -> PairBatch:
    """Returns two pairs, the second shorter."""
    return PairBatch(
        torch.tensor([[5, 6, 7], [8, 0, 0]]),
        torch.tensor([3, 1]),
        torch.tensor([[5, 9, 4, END], [7, END, 0, 0]]),
        torch.tensor([4, 2]),
        torch.tensor([False, True]),
        torch.arange(2),
        torch.tensor(tokens),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_torchs_over_symbols_without_padding(smoothing: float) -> None:
    net, pairs = model(label_smoothing=smoothing), batch()
    logits = net(pairs.sources, pairs.source_lengths, pairs.targets)
    real = pairs.targets > 0
    expected = F.cross_entropy(logits[real], pairs.targets[real], label_smoothing=smoothing)
    torch.testing.assert_close(net.losses(pairs)["cross_entropy"], expected)
    torch.testing.assert_close(net.losses(batch(12.0))["cross_entropy"], expected / 2)  # others have as many symbols
    loss = net.training_step(pairs, 0)
    torch.testing.assert_close(loss, expected)
    entropy = F.cross_entropy(logits[real], pairs.targets[real])
    figures = net.train_metrics.compute()
    torch.testing.assert_close(figures["loss"], entropy, msg="what is measured is not smoothed")
    torch.testing.assert_close(figures["perplexity"], entropy.exp())


def test_inputs_are_the_symbols_before() -> None:
    assert shifted(torch.tensor([[5, 9, END, 0]])).tolist() == [[BEGIN, 5, 9, END]]


@pytest.mark.parametrize("beam", [1, 4])
def test_a_translation_is_limited_by_its_sentence_and_ends(beam: int) -> None:
    net, pairs = model(length=14), batch()
    with torch.no_grad():
        net.head.bias[END] = -50.0
    translations = net.translate(pairs.sources, pairs.source_lengths, beam)
    assert (translations > 0).sum(1).tolist() == [14, 12], "the setting, and ten more than twice its length"
    assert translations[0, -1] == translations[1, 11] == END
    assert not torch.isin(translations[translations > 0], torch.tensor([0, BEGIN])).any()
    assert net.predict_step(pairs, 0).shape == (2, 14)


def test_translating_leaves_the_network_in_training() -> None:
    net = model(dropout=0.5).train()
    first = net.translate(batch().sources, batch().source_lengths, 2)
    assert net.training
    assert torch.equal(net.translate(batch().sources, batch().source_lengths, 2), first)


def test_measures_are_those_of_the_scoring() -> None:
    assert model().measures == WORDS
    assert model().signatures() == {}
    pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")
    assert model(scoring="translation").measures == TRANSLATION
    assert set(model(scoring="translation").signatures()) == {"bleu", "bleu_lower", "chrf"}
