"""A model in evaluation mode for the length of a block, with or without gradients."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Puts a model into evaluation mode, and restores the mode of each of its modules at the end."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def gradients_in_evaluation(model: nn.Module) -> Iterator[None]:
    """Lets a model in evaluation mode give gradients, within whatever mode.

    cuDNN computes none for recurrent layers in evaluation mode; torch's own kernels take its place.
    """
    with (
        evaluation_mode(model),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.backends.cudnn.flags(enabled=False),
    ):
        yield
