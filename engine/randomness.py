"""Randomness as a function: every draw follows from (seed, stream, position), none from what was drawn before.

A run that is killed and resumed, or spread over other ranks, therefore draws the same numbers.
"""

from hashlib import blake2b

import torch


def derived_seed(seed: int, *position: int | str) -> int:
    """Returns a 63-bit seed for one position of one stream, for example `(seed, "order", epoch)`."""
    text = "/".join(str(part) for part in (seed, *position))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *position: int | str) -> torch.Generator:
    """Returns a CPU generator at `derived_seed(seed, *position)`."""
    return torch.Generator().manual_seed(derived_seed(seed, *position))
