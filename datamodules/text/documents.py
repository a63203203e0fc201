"""Documents of any length in memory, and their loader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.base.loader import SampleLoader
from datamodules.base.split import Split
from datamodules.batches import TextBatch, UnlabelledTextBatch


class Documents:
    """A store of documents: all tokens in one tensor, one document after the other.

    Args:
        tokens: All tokens, int32 [T].
        starts: Start of each document and end of the last one, int64 [N + 1].
    """

    def __init__(self, tokens: Tensor, starts: Tensor) -> None:
        self.tokens = tokens
        self.starts = starts

    @classmethod
    def of(cls, documents: Sequence[Sequence[int]]) -> "Documents":
        """Makes a store of lists of token numbers."""
        starts = torch.tensor([0, *accumulate(len(document) for document in documents)])
        tokens = torch.empty(int(starts[-1]), dtype=torch.int32)
        for start, document in zip(starts.tolist(), documents, strict=False):
            tokens[start : start + len(document)] = torch.tensor(document, dtype=torch.int32)
        return cls(tokens, starts)

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Tensor:
        """Number of tokens of each document, int64 [N], on the CPU."""
        return self.starts.diff()

    @property
    def device(self) -> torch.device:
        """Device of the tokens."""
        return self.tokens.device

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return self.tokens.nbytes + self.starts.nbytes

    def to(self, device: torch.device) -> "Documents":
        """Returns the documents on a device, but for their starts: a batch's width is known without a wait for it."""
        return Documents(self.tokens.to(device), self.starts)

    def take(self, places: Tensor) -> "Documents":
        """Returns some of the documents, by indices int64 [M]."""
        lengths = self.lengths[places]
        starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        within = torch.arange(int(starts[-1]), device=self.device) - starts[:-1].repeat_interleave(lengths)
        return Documents(self.tokens[self.starts[places].repeat_interleave(lengths) + within], starts)

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Gathers documents for a batch.

        Args:
            index: Their indices, int64 [B]; on the CPU, or there will be a wait for them.

        Returns:
            Tokens, padded with zeros, int64 [B, M], and lengths, int64 [B].
        """
        index = index.cpu()
        starts = self.starts[index]
        lengths = self.starts[index + 1] - starts
        span = torch.arange(int(lengths.max()), device=self.device)  # [M]
        starts, lengths = (part.to(self.device, non_blocking=True) for part in (starts, lengths))
        within = span < lengths[:, None]
        places = torch.where(within, starts[:, None] + span, 0)
        return torch.where(within, self.tokens[places].long(), 0), lengths


@dataclass
class Texts(Split):
    """Documents without labels. A subclass adds labels, and returns them in batches.

    Attributes:
        documents: The documents.
    """

    documents: Documents

    @property
    def lengths(self) -> Tensor:
        """Number of tokens of each sample, int64 [N], on the CPU, for batches of similar length."""
        return self.documents.lengths

    def batch(self, index: Tensor) -> NamedTuple:
        """Returns a batch of samples, by their indices int64 [B] on the CPU."""
        return UnlabelledTextBatch(*self.documents.gather(index), index.to(self.device, non_blocking=True))


@dataclass
class ClassifiedTexts(Texts):
    """Documents and their classes.

    Attributes:
        documents: The documents.
        targets: Class of each document, int64 [N].
    """

    targets: Tensor

    def batch(self, index: Tensor) -> TextBatch:
        """Returns a batch of documents and their classes."""
        here = index.to(self.device, non_blocking=True)
        return TextBatch(*self.documents.gather(index), self.targets[here], here)

    def counts(self, vocab_size: int, num_classes: int) -> Tensor:
        """Returns how many documents of each class contain each symbol, float32 [V, K]."""
        documents = torch.repeat_interleave(torch.arange(len(self)), self.lengths)
        pairs = (documents * vocab_size + self.documents.tokens).unique()  # each symbol once per document
        cells = pairs % vocab_size * num_classes + self.targets[pairs // vocab_size]
        return torch.bincount(cells, minlength=vocab_size * num_classes).float().view(vocab_size, num_classes)


class DocumentLoader(SampleLoader):
    """Loads batches of texts of similar length.

    In training the order is a function of (seed, epoch): documents are shuffled, sorted by length within pools of
    `bucket` batches, and the batches are shuffled; or it is that of the texts. The incomplete last batch is dropped;
    every process gets an equal slice of each batch. In evaluation every document is used once, in order of length or
    of index; process r gets documents r, r + world_size, ...

    Args:
        split: The texts, with their labels if there are any.
        batch_size: Documents per batch, on all processes together.
        seed: Seed of the order; None for evaluation.
        bucket: Number of batches within which documents are sorted by length; 1 does not sort. In evaluation, more than
            1 sorts all documents.
        rank: Index of this process.
        world_size: Number of processes.
        most: Tokens of a batch in evaluation, padding included, beyond which it is divided; no limit if not given.
        shuffle: Whether training documents are shuffled; else batches are in the order of the texts, and not sorted.

    Attributes:
        by_length: Whether documents are evaluated in order of length although a `bucket` of 1 would not sort them.
    """

    by_length = False

    def __init__(
        self,
        split: Texts,
        batch_size: int,
        seed: int | None = None,
        bucket: int = 1,
        rank: int = 0,
        world_size: int = 1,
        most: int | None = None,
        shuffle: bool = True,
    ) -> None:
        super().__init__(len(split), batch_size, seed, rank, world_size)
        self.split = split
        self.bucket = bucket
        self.most = most
        self.shuffle = shuffle

    def __len__(self) -> int:
        """Number of batches in an epoch on this process."""
        divides = self.seed is None and self.most is not None  # batches of training are not divided
        return len(self._evaluation_order()) if divides else super().__len__()

    def __iter__(self) -> Iterator[NamedTuple]:
        first, self.position = self.position, 0
        batches = self._evaluation_order() if self.seed is None else self._training_order()
        for index in batches[first:]:
            yield self.split.batch(index)

    def _training_order(self) -> Sequence[Tensor]:
        rng = generator(self.seed, "order", self.epoch)
        order = self.training_order(rng if self.shuffle else None).cpu()
        if self.bucket > 1 and self.shuffle:
            lengths = self.split.lengths[order]
            pools = torch.arange(len(order)) // (self.bucket * self.batch_size)
            order = order[(pools * (int(lengths.max()) + 1) + lengths).argsort(stable=True)]
        batches = order.view(-1, self.batch_size)
        if self.bucket > 1 and self.shuffle:
            batches = batches[torch.randperm(len(batches), generator=rng)]
        return batches[:, self.rank :: self.world_size].unbind()  # strided, so that all processes get similar lengths

    def evaluated(self) -> Tensor:
        """Returns the documents of this process, int64 [N], in the order in which they are evaluated."""
        return torch.cat(list(self._evaluation_order()))

    def _evaluation_order(self) -> Sequence[Tensor]:
        mine = torch.arange(self.rank, len(self.split), self.world_size)
        if self.bucket > 1 or self.by_length:
            mine = mine[self.split.lengths[mine].argsort(stable=True)]
        batches = mine.split(self.share)
        if self.most is None:
            return batches
        lengths = self.split.lengths
        return [part for batch in batches for part in batch.split(max(1, self.most // int(lengths[batch].max())))]
