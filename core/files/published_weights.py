"""Weights that torchvision publishes: fetched once, checked, and read without running code."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.files.download import announced_size, stall_timeout


def is_fetched(weights: Any) -> bool:
    """Returns whether torch's cache has weights of torchvision's, a `WeightsEnum`."""
    return _cached(weights).exists()


def fetch_weights(weights: Any, option: str) -> dict[str, Tensor]:
    """Returns the tensors of weights that torchvision publishes, which torch's cache keeps.

    Args:
        weights: torchvision's `WeightsEnum`.
        option: What the user has typed for them.

    Raises:
        InputError: They cannot be fetched, or the file in the cache is damaged.
    """
    was_here = is_fetched(weights)
    try:
        with stall_timeout():
            if not was_here:
                announced_size(weights.url)  # a server that does not answer is given up in time
            return weights.get_state_dict(
                map_location="cpu", check_hash=True, progress=sys.stderr.isatty(), weights_only=True
            )
    except Exception as error:  # in whatever way torch stumbles over bytes that it did not write
        if was_here:
            raise InputError(f"{option}: {_cached(weights)} is damaged; remove it, and it is fetched again") from error
        reason = str(error).split(". ")[0] or type(error).__name__  # of torch's page, what happened and not what to do
        raise InputError(
            f"{option}: could not be fetched ({reason}); get {weights.url} elsewhere, and give the file's path"
        ) from error


def _cached(weights: Any) -> Path:
    return Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
