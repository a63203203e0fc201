"""What a model has predicted: checked, and that of several processes put together in order."""

from collections.abc import Sequence, Sized
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.processes.peers import gathered


def checked_rows(outputs: Any, model: str) -> list[Tensor]:
    """Returns the batches that a model has predicted, unless they are no rows of one length.

    Args:
        outputs: What `predict_step` returned for each batch.
        model: Name of the model, for the message.
    """
    if not outputs or not all(isinstance(batch, Tensor) and batch.ndim > 0 for batch in outputs):
        kind = type(outputs[0]).__name__ if outputs else "nothing"
        raise InputError(f"{model}.predict_step returns {kind}; predict shows tensors [B] or [B, K], a row a sample")
    widths = sorted({batch[0].numel() for batch in outputs if len(batch)})
    if len(widths) > 1:
        found = f"rows of {widths[0]} and of {widths[-1]} numbers"
        raise InputError(f"{model}.predict_step returns {found}; each needs as many")
    return outputs


def checked_pictures(outputs: Any, model: str) -> list[Tensor]:
    """Returns the batches of pictures that a model has made, unless they are none.

    Args:
        outputs: What `predict_step` returned for each batch.
        model: Name of the model, for the message.
    """
    for batch in outputs:
        kind = type(batch).__name__
        if isinstance(batch, Tensor):
            kind = f"{str(batch.dtype).removeprefix('torch.')} {list(batch.shape)}"
            if batch.dtype == torch.uint8 and batch.ndim == 4 and batch.shape[3] in (1, 3):
                continue
        needed = "pictures, uint8 [B, H, W, C] with 1 or 3 channels"
        raise InputError(f"{model}.predict_step returns {kind}; predict writes {needed}")
    return outputs


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
    """Puts what all ranks have predicted back into order, up to the first sample that none has.

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
    together = mine.new_empty(_complete(parts), *mine.shape[1:])
    for rank, part in enumerate(parts):
        places = together[rank::world_size]
        places.copy_(part[: len(places)])
    return together


def gather_pictures(outputs: list[Tensor], world_size: int) -> list[Tensor]:
    """Puts pictures of any size, which all ranks have made, back into order, up to the first that none has.

    Args:
        outputs: This rank's batches, [B, H, W, C] each.
        world_size: Number of ranks; rank r has samples r, r + world_size, ...
    """
    parts = gathered([picture for batch in outputs for picture in batch], world_size)
    return [parts[place % world_size][place // world_size] for place in range(_complete(parts))]


def _complete(parts: Sequence[Sized]) -> int:
    """Returns how many first samples are predicted: a limit leaves as many batches to each rank, not as many samples.

    Args:
        parts: What each rank has predicted.
    """
    return min(len(parts) * len(part) + rank for rank, part in enumerate(parts))
