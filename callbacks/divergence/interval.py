"""How many steps lie between two checks of whether all is finite, on a device that each check has to wait for."""

from typing import Any

import torch

from core.nested_tensors import tensors_of

GPU_INTERVAL = 16
SHARE = 0.02  # of a GPU's memory, which the batches since the last check may take


def longest_interval(device: torch.device) -> int:
    """Returns the steps between checks where batches are small."""
    return 1 if device.type == "cpu" else GPU_INTERVAL


def interval_for(batch: Any, device: torch.device, world_size: int) -> int:
    """Returns the steps between checks where the batches since the last one are kept, alike in all processes.

    Args:
        batch: A batch, as large as the others.
        device: Where it is.
        world_size: Number of processes, each of which calls this.
    """
    longest = longest_interval(device)
    if device.type != "cuda":
        return longest
    memory = SHARE * torch.cuda.get_device_properties(device).total_memory
    size = sum(tensor.nbytes for tensor in tensors_of(batch))
    own = max(2, min(longest, int(memory / max(1, size))))  # 1 is for devices that need not be waited for
    if world_size == 1:
        return own
    found: list[Any] = [None] * world_size
    torch.distributed.all_gather_object(found, own)
    return min(found)
