"""Evenly spaced indices."""

import torch
from torch import Tensor


def evenly_spaced_indices(total: int, count: int) -> Tensor:
    """Returns indices from the first to the last of so many, int64 [count]; some stand twice if there are fewer."""
    # the numbers are float32, as in every run so far, which can round the last one up beyond 2^24
    return torch.linspace(0, total - 1, count).long().clamp_(max=total - 1)
