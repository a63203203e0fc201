"""Attention of a recurrent decoder to the outputs of an encoder.

Additive scores: Dzmitry Bahdanau, Kyunghyun Cho and Yoshua Bengio, 2014, arXiv:1409.0473. Multiplicative scores:
Minh-Thang Luong, Hieu Pham and Christopher Manning, 2015, arXiv:1508.04025; divided by the root of their width, as in
arXiv:1706.03762.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Scores = Literal["bahdanau", "luong"]


class Attention(nn.Module):
    """Answers queries with weighted means of values.

    Args:
        scores: `bahdanau` for v . tanh(W q + U k), `luong` for (W q) . (U k) / sqrt(A).
        query_size: Width of the queries.
        value_size: Width D of the values.
        width: Width A in which queries and keys are compared.
    """

    def __init__(self, scores: Scores, query_size: int, value_size: int, width: int) -> None:
        super().__init__()
        self.of_query = nn.Linear(query_size, width, bias=False)
        self.of_value = nn.Linear(value_size, width, bias=scores == "bahdanau")
        self.direction = nn.Linear(width, 1, bias=False) if scores == "bahdanau" else None

    def keys(self, values: Tensor) -> Tensor:
        """Returns keys [B, S, A] of values [B, S, D], which need be computed only once."""
        return self.of_value(values)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Returns answers and the weights behind them.

        Args:
            queries: [B, T, Q].
            keys: [B, S, A].
            values: [B, S, D].
            mask: Where there are values, bool [B, S].

        Returns:
            Answers [B, T, D], and weights [B, T, S], which sum to 1 over S and are 0 where there is no value.
        """
        queries = self.of_query(queries)
        if self.direction is None:
            scores = queries @ keys.transpose(1, 2) * queries.shape[2] ** -0.5
        else:
            scores = self.direction(torch.tanh(queries[:, :, None] + keys[:, None]))[..., 0]
        weights = scores.masked_fill(~mask[:, None], -torch.inf).softmax(2)
        return weights.to(values.dtype) @ values, weights
