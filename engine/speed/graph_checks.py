"""Optimizers that look for a GPU in every step do so no more on a machine without one."""

from collections.abc import Iterable

import torch
from torch.optim import Optimizer

from lightning_modules.alternating import with_players

CHECKS = ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check")  # of torch 2.14, and before


def skip_graph_checks(optimizers: Iterable[Optimizer]) -> None:
    """Makes optimizers skip the question whether a GPU is recording a graph, where there is no GPU.

    Adam and its relatives ask it in every step. A torch that is built for GPUs then searches the disk for the driver's
    library, as long as Lightning's setting `PYTORCH_NVML_BASED_CUDA_CHECK` has it ask there: half a millisecond, more
    than a small network's whole step. Without a GPU the check does nothing else.
    """
    asking = [one for one in with_players(optimizers) if CHECKS[0] not in vars(one)]
    if asking and torch.accelerator.current_accelerator(check_available=True) is None:
        for optimizer in asking:
            for check in CHECKS:
                setattr(optimizer, check, _nothing)


def _nothing() -> None:
    """Is the check where there is no GPU."""
