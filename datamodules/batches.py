"""The batches that data sets hand to models: named tensors, one type a kind of data."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from core.errors import InputError


class UnlabelledImageBatch(NamedTuple):
    """Images without labels.

    Attributes:
        images: uint8 [B, H, W, C] in the loader; float32 [B, C, H, W] once augmented and normalised on the device.
        index: Place of each image in its split, int64 [B].
        draws: What was drawn for each image in this epoch, a tensor of length B by name; empty outside training.
    """

    images: Tensor
    index: Tensor
    draws: dict[str, Tensor]


class ImageBatch(NamedTuple):
    """Images and their classes.

    Attributes:
        images: uint8 [B, H, W, C] in the loader; float32 [B, C, H, W] once augmented and normalised on the device.
        targets: Class of each image, int64 [B].
        index: Place of each image in its split, int64 [B].
        draws: What was drawn for each image in this epoch, a tensor of length B by name; empty outside training.
    """

    images: Tensor
    targets: Tensor
    index: Tensor
    draws: dict[str, Tensor]


class UnlabelledTextBatch(NamedTuple):
    """Documents without labels, padded with zeros.

    Attributes:
        tokens: int64 [B, M], M the length of the longest.
        lengths: Number of tokens of each, int64 [B], at least 1.
        index: Place of each in its split, int64 [B].
    """

    tokens: Tensor
    lengths: Tensor
    index: Tensor


class ImagePair(tuple):
    """An image batch as `(images, targets)`, which models of other packages unpack; its fields can be read by name too.

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
    """Returns a batch of another package's loader, `(images, targets)` in a tuple or list, as an ImageBatch.

    Args:
        batch: The batch; one of this project is returned as it is.
        model: Name of the model, for the message.

    Raises:
        InputError: It is something else.
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
        f"{_describe(batch)}"
    )


def _describe(batch: Any) -> str:
    if isinstance(batch, Tensor):
        return f"a tensor of {str(batch.dtype).removeprefix('torch.')} {list(batch.shape)}"
    if isinstance(batch, tuple | list):
        return f"a {type(batch).__name__} of {', '.join(_describe(part) for part in batch)}"
    return f"a {type(batch).__name__}"


class TextBatch(NamedTuple):
    """Documents and their classes; documents are padded with zeros.

    Attributes:
        tokens: int64 [B, M], M the length of the longest.
        lengths: Number of tokens of each, int64 [B], at least 1.
        targets: Class of each, int64 [B].
        index: Place of each in its split, int64 [B].
    """

    tokens: Tensor
    lengths: Tensor
    targets: Tensor
    index: Tensor


class CharacterBatch(NamedTuple):
    """Pieces of a text. A piece is one symbol longer than the input, because each symbol's target is the next one.

    Attributes:
        symbols: int64 [B, T + 1].
        fresh: Whether a model starts with an empty state; otherwise the pieces continue those of the batch before.
    """

    symbols: Tensor
    fresh: bool

    @property
    def inputs(self) -> Tensor:
        """Input symbols, int64 [B, T]."""
        return self.symbols[:, :-1]

    @property
    def targets(self) -> Tensor:
        """The symbol after each input symbol, int64 [B, T]."""
        return self.symbols[:, 1:]
