"""Pairs of sentences in memory, and their loader, whose batches have about as many symbols each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from core.errors import InputError
from core.randomness import generator
from datamodules.batches import PairBatch
from datamodules.text.documents import DocumentLoader, Documents, Texts

SHUFFLE = 0.1  # part of its length by which a sentence may move among others when pairs are sorted by length


@dataclass
class Pairs(Texts):
    """Sentences and their translations, without labels.

    Attributes:
        documents: The sentences.
        targets: The translations, each with the mark of its end.
        seen: Whether a sentence is among those of training, bool [N].
    """

    targets: Documents
    seen: Tensor

    @property
    def lengths(self) -> Tensor:
        """Number of symbols of each pair, int64 [N], on the CPU."""
        return self.documents.lengths + self.targets.lengths

    def batch(self, index: Tensor, tokens: float | None = None) -> PairBatch:
        """Returns a batch of pairs.

        Args:
            index: Their places, int64 [B], on the CPU.
            tokens: Target symbols that a mean over the batch divides by; those of these pairs if not given.
        """
        sources, source_lengths = self.documents.gather(index)
        targets, target_lengths = self.targets.gather(index)
        here = index.to(self.device, non_blocking=True)
        count = target_lengths.sum() if tokens is None else torch.full((), tokens, device=self.device)
        return PairBatch(
            sources, source_lengths, targets, target_lengths, self.seen[here], here, count.to(torch.float32)
        )


class PairLoader(DocumentLoader):
    """Loads batches of pairs of similar length.

    In training the order is a function of (seed, epoch), and the number of batches is the same in every epoch. With
    `batch_tokens`, pairs are sorted by the translation's length, then about by the sentence's, and divided into batches
    of about as many symbols each, padding not counted; all pairs are used. Without it, batches have `batch_size` pairs,
    sorted within pools of `bucket` batches, and the incomplete last batch is dropped. Every process gets an equal slice
    of each batch.

    Args:
        split: The pairs.
        batch_size: Pairs per batch, on all processes together.
        batch_tokens: Symbols of both languages per batch, on all processes together; by `batch_size` if not given.
        seed: Seed of the order; None for evaluation.
        bucket: Number of batches within which pairs are sorted by length; in evaluation, 1 keeps the pairs' order.
        rank: Index of this process.
        world_size: Number of processes.
        most: Symbols of a batch in evaluation, padding included, beyond which it is divided.

    Raises:
        InputError: A batch of so few symbols does not hold a pair for each process.
    """

    def __init__(
        self,
        split: Pairs,
        batch_size: int,
        batch_tokens: int | None = None,
        seed: int | None = None,
        bucket: int = 1,
        rank: int = 0,
        world_size: int = 1,
        most: int | None = None,
    ) -> None:
        super().__init__(split, batch_size, seed, bucket, rank, world_size, most)
        self.tokens: int | None = None
        self.source_lengths = split.documents.lengths
        self.target_lengths = split.targets.lengths
        if batch_tokens is None or seed is None:
            return
        self.tokens = int(split.lengths.sum())
        self.batches = ceil(self.tokens / batch_tokens)
        longest = int(split.lengths.max())
        if longest * world_size * self.batches > self.tokens:
            raise InputError(
                f"data.batch_tokens is {batch_tokens}: a pair has up to {longest} symbols, and each of {world_size} "
                f"devices needs one; give at least {2 * longest * world_size}, or lower data.max_length"
            )
        self.batch_size = max(1, round(len(split) / self.batches))  # on average

    def __len__(self) -> int:
        """Number of batches in an epoch on this process."""
        return super().__len__() if self.tokens is None else self.batches

    def __iter__(self) -> Iterator[PairBatch]:
        first, self.position = self.position, 0
        if self.seed is None:
            for index in self._evaluation_order()[first:]:
                yield self.split.batch(index)
            return
        for whole in self.order()[first:]:
            # the mean over the symbols of all processes is the same, however these are shared out
            tokens = float(self.target_lengths[whole].sum()) / self.world_size
            yield self.split.batch(whole[self.rank :: self.world_size], tokens)

    def order(self) -> Sequence[Tensor]:
        """Returns the places of the pairs in each training batch of this epoch, on all processes together."""
        rng = generator(self.seed, "order", self.epoch)
        sources, targets = self.source_lengths, self.target_lengths
        order = torch.randperm(len(targets), generator=rng)
        if self.tokens is None:
            order = order[: len(self) * self.batch_size]
            if self.bucket > 1:
                pools = torch.arange(len(order)) // (self.bucket * self.batch_size)
                order = order[_sorting(pools, targets[order], sources[order].float())]
            batches = order.view(-1, self.batch_size)
        else:
            about = sources[order] * (1 + SHUFFLE * torch.rand(len(order), generator=rng))
            order = order[_sorting(targets[order], about)]
            lengths = sources + targets
            before = lengths[order].cumsum(0) - lengths[order]  # symbols before each pair
            sizes = torch.bincount(before * self.batches // self.tokens, minlength=self.batches)
            batches = order.split(sizes.tolist())
        return [batches[place] for place in torch.randperm(len(batches), generator=rng).tolist()]


def _sorting(*keys: Tensor) -> Tensor:
    """Returns the places [N] of numbers in order of the first key, of those equal in it by the next, and so on."""
    places = torch.arange(len(keys[0]))
    for key in reversed(keys):
        places = places[key[places].argsort(stable=True)]
    return places
