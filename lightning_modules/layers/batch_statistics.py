"""Statistics of batch norms, estimated anew for weights that were not trained with them, such as averages."""

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any

import torch
from torch import nn

from core.evaluation_mode import evaluation_mode

NORMS = nn.modules.batchnorm._BatchNorm


@torch.no_grad()
def estimate_statistics(network: nn.Module, batches: Iterable[Any], forward: Callable[[Any], Any]) -> None:
    """Sets the running statistics of a network's batch norms to their means over batches; all else stays as it is.

    Norms that are synchronised among processes take those of this process, since the others may not be here.

    Args:
        network: The network.
        batches: Inputs.
        forward: Calls the network with one of these.
    """
    norms = [module for module in network.modules() if isinstance(module, NORMS) and module.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    with evaluation_mode(network):
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a mean over all batches
            norm.train()
        synchronised = [norm for norm in norms if isinstance(norm, nn.SyncBatchNorm) and "forward" not in vars(norm)]
        for norm in synchronised:
            norm.forward = MethodType(NORMS.forward, norm)
        try:
            for batch in batches:
                forward(batch)
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
            for norm in synchronised:
                del norm.forward
