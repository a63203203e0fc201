"""Batches for models of other packages, and batches of their loaders."""

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor

from core.errors import InputError
from datamodules.batches import ImageBatch


class ImagePair(tuple):
    """An image batch as `(images, targets)` for models of other packages; its fields are also available by name.

    Args:
        batch: The batch, or the two tensors.
    """

    __slots__ = ()

    def __new__(cls, batch: Iterable[Tensor]) -> Self:
        """Makes the pair of the first two tensors."""
        return super().__new__(cls, tuple(batch)[:2])

    @property
    def images(self) -> Tensor:
        """The images, float32 [B, C, H, W]."""
        return self[0]

    @property
    def targets(self) -> Tensor:
        """Class of each image, int64 [B]."""
        return self[1]


def image_batch(batch: Any, model: str) -> ImageBatch:
    """Converts a batch of another package's loader, a tuple or list `(images, targets)`, to an ImageBatch.

    Args:
        batch: The batch; one of this project is returned as it is.
        model: Name of the model, for the error message.

    Raises:
        InputError: It has another form.
    """
    if isinstance(batch, ImageBatch):
        return batch
    parts = list(batch) if isinstance(batch, tuple | list) else []
    tensors = len(parts) == 2 and all(isinstance(part, Tensor) for part in parts)
    if tensors and parts[0].ndim == 4 and parts[0].is_floating_point() and parts[1].shape == parts[0].shape[:1]:
        images, targets = parts
        return ImageBatch(images, targets.long(), torch.arange(len(targets)), {})
    raise InputError(
        f"{model} takes batches of (images, targets), float [B, C, H, W] and integer [B]; the loader gives "
        f"{describe_batch(batch)}"
    )


def describe_batch(batch: Any) -> str:
    """Returns in words what a batch is: its tensors with their types and shapes."""
    if isinstance(batch, Tensor):
        return f"a tensor of {str(batch.dtype).removeprefix('torch.')} {list(batch.shape)}"
    parts: list[str] = []
    if isinstance(batch, tuple | list):
        parts = [describe_batch(part) for part in batch]
    elif isinstance(batch, dict):
        parts = [f"{key!r}: {describe_batch(part)}" for key, part in batch.items()]
    name = type(batch).__name__
    name = f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    return f"{name} of {', '.join(parts)}" if parts else name
