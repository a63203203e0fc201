"""Masks of padded documents."""

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, width: int) -> Tensor:
    """Returns which of `width` positions lie within documents of the given lengths [B], bool [B, width]."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]
