"""The batches that data sets hand to models: named tensors, one type a kind of data."""

from typing import NamedTuple

from torch import Tensor


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
