"""Batches: named tuples of tensors, one type for each kind of data."""

from typing import NamedTuple

import torch
from torch import Tensor


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


class CaptionBatch(NamedTuple):
    """Pictures and captions of each.

    Attributes:
        images: uint8 [B, H, W, C] in the loader; float32 [B, C, H, W] augmented and normalised on the device.
        captions: Symbols of K captions of each picture, each with the mark of its end, padded with zeros, int64
            [B, K, T].
        lengths: Number of symbols of each caption, int64 [B, K]; 0 where a picture has fewer captions.
        tokens: Symbols that a mean over the batch divides by, float32 []: of all processes, over their number.
        index: Index of each picture in its split, int64 [B].
        draws: Random augmentation parameters of each picture, tensors of length B by name; empty outside training.
    """

    images: Tensor
    captions: Tensor
    lengths: Tensor
    tokens: Tensor
    index: Tensor
    draws: dict[str, Tensor]


class StyleBatch(NamedTuple):
    """What a picture is to show, and what it is to look like; colours from 0 to 255.

    Attributes:
        content: float32 [1, C, H, W], with 3 channels, or 1 of luminance.
        styles: Each float32 [1, C, h, w].
        shares: Weight of each style.
        mask: How much of each pixel may change, from 0 to 1, [1, 1, H, W]; empty where all may.
        chroma: Blue and red of the content relative to its luminance, which the result gets, [1, 2, H, W]; empty where
            it has colours of its own.
    """

    content: Tensor
    styles: list[Tensor]
    shares: Tensor
    mask: Tensor
    chroma: Tensor


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
    def marks(self) -> None:
        """Its symbols have no marks."""

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


class TuneBatch(NamedTuple):
    """Pieces of tunes, or whole ones; one symbol longer than the input. Shorter ones are padded.

    Attributes:
        symbols: int64 [B, T + 1].
        lengths: Number of symbols to predict of each, int64 [B].
        characters: Number of characters that the symbols stand for, by which losses are reported.
        fresh: Whether a model starts with an empty state; otherwise the pieces continue those of the previous batch.
        marks: Marks of the input symbols, int64 [B, T, F]; None if they have none.
    """

    symbols: Tensor
    lengths: Tensor
    characters: int
    fresh: bool
    marks: Tensor | None = None

    @property
    def inputs(self) -> Tensor:
        """Input symbols, int64 [B, T]."""
        return self.symbols[:, :-1]

    @property
    def targets(self) -> Tensor:
        """The symbol after each input symbol, int64 [B, T]; -100, which no loss counts, in the padding."""
        places = torch.arange(self.symbols.shape[1] - 1, device=self.symbols.device)
        return self.symbols[:, 1:].masked_fill(places >= self.lengths[:, None], -100)

    def reported(self, loss: Tensor) -> tuple[Tensor, int]:
        """Returns the mean loss by the unit in which it is reported, and the number of units: of characters."""
        return loss * (self.lengths.sum() / self.characters), self.characters
