"""How many steps lie between two checks of whether all is finite, on a device that each check has to wait for."""

from typing import Any

import torch
from torch import Tensor

from core.nested_tensors import tensors_of
from core.processes.peers import gathered

GPU_INTERVAL = 16
SHARE = 0.02  # of a GPU's memory, which the batches since the last check take at most, if all are alike and two fit


def longest_interval(device: torch.device) -> int:
    """Returns the steps between checks where batches are small."""
    return 1 if device.type == "cpu" else GPU_INTERVAL


def interval_for(batch: Any, device: torch.device, world_size: int) -> int:
    """Returns the steps between checks where the batches since the last one are kept, alike in all processes.

    Args:
        batch: A batch, taken to be as large as the others.
        device: Where it is.
        world_size: Number of processes, each of which calls this.
    """
    longest = longest_interval(device)
    if device.type != "cuda":
        return longest
    memory = SHARE * torch.cuda.get_device_properties(device).total_memory
    size = sum(_bytes_of(tensor) for tensor in tensors_of(batch))
    own = max(2, min(longest, int(memory / max(1, size))))  # 1 is for devices that need not be waited for
    return min(gathered(own, world_size))


def _bytes_of(tensor: Tensor) -> int:
    if tensor.layout == torch.strided:
        return tensor.nbytes
    if tensor.layout == torch.sparse_coo:
        return tensor._indices().nbytes + tensor._values().nbytes
    return tensor._nnz() * tensor.element_size()  # compressed; what says where they are is left out
