"""A digest of samples in memory, by which a run knows its data again."""

import hashlib
from typing import Any

import torch
from torch import Tensor


def digest_of(*parts: Any) -> str | None:
    """Returns a digest of all numbers in parts of a data set, in order.

    Args:
        parts: Tensors, or objects that hold tensors at any depth.

    Returns:
        Hexadecimal digits; None if there is no number in memory, as of pictures that stay on disk.
    """
    tensors = [tensor for part in parts for tensor in _tensors(part)]
    if not any(tensor.numel() for tensor in tensors):
        return None
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {list(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return [tensor for name in sorted(getattr(value, "__dict__", {})) for tensor in _tensors(vars(value)[name])]
