"""Softmax over a few words that are drawn for a whole batch, in place of the vocabulary.

Sébastien Jean, Kyunghyun Cho, Roland Memisevic and Yoshua Bengio, "On Using Very Large Target Vocabulary for Neural
Machine Translation", 2014, arXiv:1412.2007; with the sampler and the corrections of TensorFlow's function of the name.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ACCIDENT = -1e9  # logit of a sampled word that is the target itself


def log_uniform_sample(size: int, n: int, device: torch.device) -> tuple[Tensor, int]:
    """Draws different words, each with a probability of about 1 / (its number + 1), by falling frequency.

    Args:
        size: Number of words in the vocabulary.
        n: Number of words to draw, less than `size`.
        device: Where the result is.

    Returns:
        The words, int64 [n], and how many draws they took, those of a word again included.
    """
    drawn = torch.empty(0, dtype=torch.int64)
    while True:
        more = (torch.rand(4 * n, dtype=torch.float64) * math.log(size + 1)).exp().long() - 1
        drawn = torch.cat([drawn, more.clamp(max=size - 1)])
        _, inverse = drawn.unique(return_inverse=True)
        place = torch.arange(len(drawn))
        first = place.new_full((size,), len(drawn)).scatter_reduce_(0, inverse, place, "amin")
        first = first[first < len(drawn)].sort().values
        if len(first) >= n:
            return drawn[first[:n]].to(device), int(first[n - 1]) + 1


def log_expected_counts(words: Tensor, size: int, draws: int) -> Tensor:
    """Returns the logarithm of how often each word is expected among the different ones of so many draws, [N]."""
    share = (1 / (words + 1.0)).log1p() / math.log(size + 1)  # a difference of logarithms would lose its digits
    return (-(draws * (-share).log1p()).expm1()).log()


def sampled_softmax(
    inputs: Tensor, targets: Tensor, table: Tensor, bias: Tensor, sampled: Tensor, draws: int
) -> Tensor:
    """Returns the mean cross-entropy of targets among the sampled words.

    Args:
        inputs: Input vectors, [P, D].
        targets: Words to predict, int64 [P].
        table: Output vectors, [V, D].
        bias: Output biases, [V].
        sampled: Different words, int64 [S].
        draws: How many draws they took.
    """
    size = len(table)
    true = (inputs * F.embedding(targets, table)).sum(1) + bias[targets]
    true = true - log_expected_counts(targets, size, draws)
    others = F.linear(inputs, table[sampled], bias[sampled]) - log_expected_counts(sampled, size, draws)
    others = others.masked_fill(sampled == targets[:, None], ACCIDENT)
    surprises = torch.logsumexp(torch.cat([true[:, None], others], 1), 1) - true
    return surprises.sum() / max(1, len(targets))  # of no target 0
