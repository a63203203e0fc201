"""What several processes have predicted, put together in order."""

import torch
from torch import Tensor

from core.processes.peers import gathered


def gather_unread(mine: dict[int, str], world_size: int) -> dict[int, str]:
    """Returns what all ranks could not read."""
    return {place: reason for part in gathered(mine, world_size) for place, reason in part.items()}


def in_order(outputs: list[Tensor], places: Tensor) -> list[Tensor]:
    """Puts what this rank has predicted into the order of its samples, unless it is not one row for each.

    Args:
        outputs: This rank's batches, [B, ...] each.
        places: Places of the samples, int64 [N].

    Returns:
        One batch, [N, ...].
    """
    mine = torch.cat(outputs)
    return [mine[places.argsort()]] if len(mine) == len(places) else outputs


def gather(outputs: list[Tensor], world_size: int) -> Tensor:
    """Puts what all ranks have predicted back into order.

    Args:
        outputs: This rank's batches, [B, ...] each.
        world_size: Number of ranks; rank r has samples r, r + world_size, ...

    Returns:
        What was predicted, of all ranks, [N, ...].
    """
    mine = torch.cat(outputs)
    if world_size == 1:
        return mine
    parts = gathered(mine, world_size)
    together = mine.new_empty(sum(map(len, parts)), *mine.shape[1:])
    for rank, part in enumerate(parts):
        together[rank::world_size] = part
    return together


def gather_pictures(outputs: list[Tensor], world_size: int) -> list[Tensor]:
    """Puts pictures of any size, which all ranks have made, back into order.

    Args:
        outputs: This rank's batches, [B, H, W, C] each.
        world_size: Number of ranks; rank r has samples r, r + world_size, ...
    """
    parts = gathered([picture for batch in outputs for picture in batch], world_size)
    return [parts[place % world_size][place // world_size] for place in range(sum(map(len, parts)))]
