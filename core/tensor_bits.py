"""Whether two tensors are the same to the bit."""

import torch
from torch import Tensor


def have_same_bits(one: Tensor, other: Tensor) -> bool:
    """Returns whether two tensors, which may be on different devices, are the same to the bit, NaNs included."""
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return torch.equal(_bits(one), _bits(other))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
