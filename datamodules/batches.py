"""Batches: named tuples of tensors, one type for each kind of data."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from core.errors import InputError


class UnlabelledImageBatch(NamedTuple):
    """Images without labels.

    Attributes:
        images: uint8 [B, H, W, C] in the loader; float32 [B, C, H, W] augmented and normalised on the device.
        index: Index of each image in its split, int64 [B].
        draws: Random augmentation parameters of each image, tensors of length B by name; empty outside training.
    """

    images: Tensor
    index: Tensor
    draws: dict[str, Tensor]


class ImageBatch(NamedTuple):
    """Images and their classes.

    Attributes:
        images: uint8 [B, H, W, C] in the loader; float32 [B, C, H, W] augmented and normalised on the device.
        targets: Class of each image, int64 [B].
        index: Index of each image in its split, int64 [B].
        draws: Random augmentation parameters of each image, tensors of length B by name; empty outside training.
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
        index: Index of each in its split, int64 [B].
    """

    tokens: Tensor
    lengths: Tensor
    index: Tensor


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
    if isinstance(batch, tuple | list):
        return f"a {type(batch).__name__} of {', '.join(describe_batch(part) for part in batch)}"
    if isinstance(batch, dict):
        return f"a {type(batch).__name__} of {', '.join(f'{key!r}: {describe_batch(batch[key])}' for key in batch)}"
    return f"a {type(batch).__name__}"


class TextBatch(NamedTuple):
    """Documents and their classes; documents are padded with zeros.

    Attributes:
        tokens: int64 [B, M], M the length of the longest.
        lengths: Number of tokens of each, int64 [B], at least 1.
        targets: Class of each, int64 [B].
        index: Index of each in its split, int64 [B].
    """

    tokens: Tensor
    lengths: Tensor
    targets: Tensor
    index: Tensor


class PairBatch(NamedTuple):
    """Sentences and their translations, padded with zeros.

    Attributes:
        sources: Symbols of the sentences, int64 [B, S].
        source_lengths: Number of symbols of each, int64 [B], at least 1.
        targets: Symbols of the translations, each with the mark of its end, int64 [B, T].
        target_lengths: Number of symbols of each, int64 [B], at least 1.
        seen: Whether the sentence is among those of training, bool [B].
        index: Place of each pair in its split, int64 [B].
        tokens: Target symbols that a mean over the batch divides by, float32 []: of all processes, over their number.
    """

    sources: Tensor
    source_lengths: Tensor
    targets: Tensor
    target_lengths: Tensor
    seen: Tensor
    index: Tensor
    tokens: Tensor


class CharacterBatch(NamedTuple):
    """Pieces of a text. A piece is one symbol longer than the input, because the target of each symbol is the next one.

    Attributes:
        symbols: int64 [B, T + 1].
        fresh: Whether a model starts with an empty state; otherwise the pieces continue those of the previous batch.
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

    def reported(self, loss: Tensor) -> tuple[Tensor, int]:
        """Returns the mean loss by the unit in which it is reported, and the number of units: of symbols."""
        return loss, self.targets.numel()


class WordBatch(NamedTuple):
    """A piece of text, as numbers of words, without the frequent words that were left out.

    Attributes:
        words: int64 [N].
        left: How many words before each are its context, at most the window; int64 [N].
        right: How many words behind each are.
    """

    words: Tensor
    left: Tensor
    right: Tensor


class SimilarityBatch(NamedTuple):
    """Pairs of words whose similarity people have judged.

    Attributes:
        name: Name of the file that they are from.
        words: int64 [N, 2].
        scores: The judgements, float64 [N].
    """

    name: str
    words: Tensor
    scores: Tensor


class AnalogyBatch(NamedTuple):
    """Analogies: the first word is to the second as the third to the fourth.

    Attributes:
        name: Name of the file that they are from.
        words: int64 [N, 4].
        kinds: Kind of each, int64 [N].
        kind_names: Names of the kinds.
    """

    name: str
    words: Tensor
    kinds: Tensor
    kind_names: tuple[str, ...]


class QueryBatch(NamedTuple):
    """Sums and differences of words whose neighbours are asked for, padded with weights of 0.

    Attributes:
        words: int64 [B, M].
        weights: 1 for a word that is added, -1 for one that is subtracted; float32 [B, M].
        unknown: Words that the vocabulary lacks, whose numbers follow those that it has.
    """

    words: Tensor
    weights: Tensor
    unknown: tuple[str, ...] = ()


class WordListBatch(NamedTuple):
    """Words whose vectors are asked for.

    Attributes:
        words: int64 [B].
    """

    words: Tensor
