"""The sampled softmax draws and corrects as TensorFlow's function does."""

import math

import torch
import torch.nn.functional as F

from lightning_modules.layers.sampled_softmax import log_expected_counts, log_uniform_sample, sampled_softmax

CPU = torch.device("cpu")


def test_words_are_drawn_once_each_by_log_uniform_probabilities() -> None:
    torch.manual_seed(0)
    counts, expected = torch.zeros(50), torch.zeros(50)
    for _ in range(400):
        words, draws = log_uniform_sample(50, 10, CPU)
        assert len(words.unique()) == 10
        assert draws >= 10
        counts[words] += 1
        expected += log_expected_counts(torch.arange(50), 50, draws).exp()
    assert ((counts - expected).abs() < 4 * expected.sqrt() + 3).all()


def test_all_but_one_word_can_be_drawn() -> None:
    torch.manual_seed(0)
    words, _ = log_uniform_sample(12, 11, CPU)
    assert len(words.unique()) == 11


def test_the_expected_count_is_the_chance_to_be_among_the_draws() -> None:
    chance = 1 - (1 - math.log(3 / 2) / math.log(11)) ** 7
    torch.testing.assert_close(log_expected_counts(torch.tensor([1]), 10, 7).exp(), torch.tensor([chance]))


def test_rare_words_of_large_vocabularies_keep_their_digits() -> None:
    size, draws = 3_000_000, 100
    words = torch.tensor([49_999, 999_999, 2_999_999])
    expected = [-math.expm1(draws * math.log1p(-math.log1p(1 / (w + 1)) / math.log(size + 1))) for w in words.tolist()]
    torch.testing.assert_close(log_expected_counts(words, size, draws), torch.tensor(expected).log())


def test_the_loss_is_the_cross_entropy_among_target_and_others() -> None:
    rng = torch.Generator().manual_seed(1)
    table, bias = torch.randn(9, 4, generator=rng), torch.randn(9, generator=rng)
    inputs, targets, sampled = torch.randn(3, 4, generator=rng), torch.tensor([2, 5, 8]), torch.tensor([0, 5, 3])
    logits = inputs @ table.T + bias - log_expected_counts(torch.arange(9), 9, 6)
    plain = []
    for row, target in enumerate(targets.tolist()):
        others = [word for word in sampled.tolist() if word != target]
        plain.append(F.cross_entropy(logits[row, [target, *others]][None], torch.tensor([0])))
    torch.testing.assert_close(sampled_softmax(inputs, targets, table, bias, sampled, 6), torch.stack(plain).mean())
