"""Noise words have the probabilities that follow from the counts that are given, by word2vec's power."""

import torch

from lightning_modules.layers.noise_words import NoiseWords


def test_every_word_has_its_share() -> None:
    counts = torch.tensor([1000, 300, 300, 7, 1, 0, 50])
    noise = NoiseWords(counts)
    given = noise.first.double().clone()
    given.index_add_(0, noise.other, 1 - noise.first.double())
    expected = counts.double() ** 0.75
    torch.testing.assert_close(given / len(counts), expected / expected.sum(), rtol=1e-6, atol=1e-7)


def test_words_are_drawn_by_their_shares() -> None:
    torch.manual_seed(0)
    counts = torch.tensor([16, 1, 0, 81])
    drawn = NoiseWords(counts).draw(200, 180, torch.device("cpu"))
    assert drawn.shape == (200, 180)
    torch.testing.assert_close(drawn.flatten().bincount() / 36000, torch.tensor([8, 1, 0, 27]) / 36, rtol=0, atol=0.01)
