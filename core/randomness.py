"""Random numbers as a function of (seed, stream, position), independent of what was drawn before.

A run that is killed and resumed, or split over another number of processes, therefore draws the same numbers.
"""

from hashlib import blake2b

import torch


def derived_seed(seed: int, *position: int | str) -> int:
    """Returns a 63-bit seed for one position of one stream, for example `(seed, "order", epoch)`."""
    text = "/".join(map(str, (seed, *position)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *position: int | str) -> torch.Generator:
    """Returns a CPU generator at `derived_seed(seed, *position)`."""
    return torch.Generator().manual_seed(derived_seed(seed, *position))


def step_seed(seed: int, epoch: int, batch_idx: int, rank: int) -> int:
    """Returns the seed of a training step, by its position in the run, so that a replay draws the same numbers."""
    return derived_seed(seed, "step", epoch, batch_idx, rank)


def seed_device(seed: int, device: torch.device) -> None:
    """Seeds the generators that a step on this device draws from.

    (`torch.manual_seed` seeds every kind of device that torch supports, and keeps a stack trace for each that is not in
    use: a third of a millisecond, and memory that is never released.)
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
    elif device.type != "cpu":
        torch.manual_seed(seed)
