"""Masks of padded documents."""

import torch
from torch import Tensor


def padding_mask(lengths: Tensor, width: int) -> Tensor:
    """Returns which of `width` places lie within each document, bool [B, width], by their lengths [B]."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]
