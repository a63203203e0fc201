"""Weights that torchvision publishes: fetched once, checked, and read without running code."""

import pickle
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.download import reachable_url, stall_timeout
from core.errors import InputError


def is_fetched(weights: Any) -> bool:
    """Returns whether torch's cache has weights of torchvision's, a `WeightsEnum`."""
    return Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name).exists()


def fetch_weights(weights: Any, option: str) -> dict[str, Tensor]:
    """Returns the tensors of weights that torchvision publishes, which torch's cache keeps.

    Args:
        weights: torchvision's `WeightsEnum`.
        option: What the user has typed for them.

    Raises:
        InputError: They cannot be fetched, or are not what they should be.
    """
    try:
        with stall_timeout():
            if not is_fetched(weights):
                reachable_url([weights.url])
            return weights.get_state_dict(
                map_location="cpu", check_hash=True, progress=sys.stderr.isatty(), weights_only=True
            )
    except (OSError, HTTPException, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).split(". ")[0] or type(error).__name__  # of torch's page, what happened and not what to do
        raise InputError(
            f"{option}: could not be fetched ({reason}); get {weights.url} elsewhere, and give the file's path"
        ) from error
