"""Batches of words: of a text to learn from, of questions about words, and of words whose vectors are asked for."""

from typing import NamedTuple

import torch
from torch import Tensor


class WordBatch(NamedTuple):
    """A piece of text, as numbers of words, without the frequent words that were left out.

    Attributes:
        words: int64 [N].
        left: How many words before each are its context, at most the window; int64 [N].
        right: How many words behind each are.
        radius: The largest of these numbers; a tensor would make a step wait for it on a GPU.
    """

    words: Tensor
    left: Tensor
    right: Tensor
    radius: int

    @classmethod
    def of(cls, words: Tensor, left: Tensor, right: Tensor) -> "WordBatch":
        """Returns a piece of words with these windows."""
        return cls(words, left, right, int(torch.maximum(left, right).max()) if len(words) else 0)

    def first(self, count: int) -> "WordBatch":
        """Returns the first words, whose context ends with the last of them."""
        words = self.words[:count]
        behind = torch.arange(len(words) - 1, -1, -1, device=words.device)
        return WordBatch.of(words, self.left[:count], torch.minimum(self.right[:count], behind))


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

    def to(self, device: torch.device) -> "SimilarityBatch":
        """Returns the batch on a device, for Lightning; Apple's GPUs (mps) have no float64."""
        scores = self.scores.float() if device.type == "mps" else self.scores
        return SimilarityBatch(self.name, self.words.to(device), scores.to(device))


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
