"""Embedding of the marks of symbols, which follow from a symbol and those before it: such as the place in a bar."""

from collections.abc import Sequence
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MarkEmbedding(nn.Module):
    """The sum of a vector for each mark. All start as 0, so that a network begins as it would without them.

    Args:
        sizes: How many values each of F marks has.
        width: Width D of the vectors.
    """

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(sum(sizes), width))
        self.register_buffer("starts", torch.tensor([0, *accumulate(sizes)][:-1]), persistent=False)

    def forward(self, marks: Tensor) -> Tensor:
        """Returns vectors, [B, T, D], of marks int64 [B, T, F]."""
        return F.embedding(marks + self.starts, self.weight).sum(2)
