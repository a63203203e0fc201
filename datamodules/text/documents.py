"""Documents of any length in memory, and whole batches of them."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.base.loader import SampleLoader
from datamodules.batches import TextBatch


class Documents:
    """Documents one behind the other, and their classes.

    Args:
        tokens: All tokens, int32 [T].
        starts: Where each document begins, and where the last one ends, int64 [N + 1].
        targets: Classes, int64 [N].
    """

    def __init__(self, tokens: Tensor, starts: Tensor, targets: Tensor) -> None:
        self.tokens = tokens
        self.starts = starts
        self.targets = targets

    @classmethod
    def of(cls, documents: Sequence[Sequence[int]], targets: Sequence[int]) -> "Documents":
        """Makes them of lists of numbers."""
        starts = torch.tensor([0, *accumulate(len(document) for document in documents)])
        tokens = torch.empty(int(starts[-1]), dtype=torch.int32)
        for start, document in zip(starts.tolist(), documents, strict=False):
            tokens[start : start + len(document)] = torch.tensor(document, dtype=torch.int32)
        return cls(tokens, starts, torch.tensor(targets, dtype=torch.int64))

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.targets)

    @property
    def lengths(self) -> Tensor:
        """Number of tokens of each document, int64 [N]."""
        return self.starts.diff()

    def to(self, device: torch.device) -> "Documents":
        """Returns them on a device."""
        return Documents(self.tokens.to(device), self.starts.to(device), self.targets.to(device))

    def batch(self, index: Tensor) -> TextBatch:
        """Gathers documents by their places, int64 [B]."""
        starts = self.starts[index]
        lengths = self.starts[index + 1] - starts
        span = torch.arange(int(lengths.max()), device=index.device)  # [M]
        within = span < lengths[:, None]
        places = torch.where(within, starts[:, None] + span, 0)
        tokens = torch.where(within, self.tokens[places].long(), 0)
        return TextBatch(tokens, lengths, self.targets[index], index)

    def counts(self, vocab_size: int, num_classes: int) -> Tensor:
        """Returns how many documents of each class hold each symbol, float32 [V, K]."""
        documents = torch.repeat_interleave(torch.arange(len(self)), self.lengths)
        pairs = (documents * vocab_size + self.tokens).unique()  # each symbol once a document
        cells = pairs % vocab_size * num_classes + self.targets[pairs // vocab_size]
        return torch.bincount(cells, minlength=vocab_size * num_classes).float().view(vocab_size, num_classes)


class DocumentLoader(SampleLoader):
    """Iterates over documents, of which those of a batch have about the same length.

    For training the order is a function of (seed, epoch): documents are shuffled, sorted by length within pools of
    `bucket` batches, and the batches are shuffled; the incomplete last batch is dropped; every process gets an equal
    slice of each batch. For evaluation every document comes once, in the order of length or of their places; process r
    takes documents r, r + world, ...

    Args:
        documents: All documents of the split.
        batch_size: Documents a batch, over all processes together.
        seed: Shuffle by this seed; None evaluates.
        bucket: Batches of which the documents are sorted by length; 1 for none. In evaluation more than 1 sorts all.
        rank: This process.
        world_size: Number of processes.
    """

    def __init__(
        self,
        documents: Documents,
        batch_size: int,
        seed: int | None = None,
        bucket: int = 1,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(len(documents), batch_size, seed, rank, world_size)
        self.documents = documents
        self.bucket = bucket

    def __iter__(self) -> Iterator[TextBatch]:
        first, self.position = self.position, 0
        batches = self._evaluation_order() if self.seed is None else self._training_order()
        for index in batches[first:]:
            yield self.documents.batch(index.to(self.documents.starts.device))

    def _training_order(self) -> Sequence[Tensor]:
        rng = generator(self.seed, "order", self.epoch)
        n = len(self) * self.batch_size
        order = torch.randperm(len(self.documents), generator=rng)[:n]
        if self.bucket > 1:
            lengths = self.documents.lengths.cpu()[order]
            pools = torch.arange(n) // (self.bucket * self.batch_size)
            order = order[(pools * (int(lengths.max()) + 1) + lengths).argsort(stable=True)]
        batches = order.view(-1, self.batch_size)
        if self.bucket > 1:
            batches = batches[torch.randperm(len(batches), generator=rng)]
        return batches[:, self.rank :: self.world_size].unbind()  # strided: sorted lengths are shared evenly, too

    def _evaluation_order(self) -> Sequence[Tensor]:
        mine = torch.arange(self.rank, len(self.documents), self.world_size)
        if self.bucket > 1:
            mine = mine[self.documents.lengths.cpu()[mine].argsort(stable=True)]
        return mine.split(self.share)
