"""Data modules without classes: points in the plane, pairs of sequences, and tunes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from core.errors import InputError
from core.predictions import PredictionTable
from core.randomness import generator
from datamodules.base.loader import SampleLoader
from datamodules.base.sample_data_module import SampleDataModule
from datamodules.base.split import Split
from tests.tiny_text import TinyTunes

SIZES = {"train": 240, "val": 40, "test": 50}
VOCAB_SIZE, LENGTH = 12, 5


class PointBatch(NamedTuple):
    """Points [B, 2] of a ring."""

    points: Tensor


@dataclass
class PairBatch:
    """Sequences and their targets, zeros behind the ends of the targets.

    Attributes:
        sources: int64 [B, S].
        targets: int64 [B, S].
        lengths: Number of target tokens, int64 [B].
    """

    sources: Tensor
    targets: Tensor
    lengths: Tensor


@dataclass
class PointSplit(Split):
    """Points [N, 2]."""

    points: Tensor


@dataclass
class PairSplit(Split):
    """Sequences and their targets, as in a batch."""

    sources: Tensor
    targets: Tensor
    lengths: Tensor


class RowLoader(SampleLoader):
    """Returns batches of a split's rows, in an order that follows from seed and epoch."""

    def __init__(self, batch_type: type, split: Split, *arguments: Any) -> None:
        super().__init__(len(split), *arguments)
        self.batch_type = batch_type
        self.split = split

    def __iter__(self) -> Iterator[Any]:
        """Yields batches from `position` on."""
        if self.seed is None:
            order = torch.arange(self.rank, len(self.split), self.world_size)
        else:
            order = self.training_order(generator(self.seed, "order", self.epoch))[self.rank :: self.world_size]
        first, self.position = self.position, 0
        for index in order.split(self.share)[first:]:
            yield self.batch_type(*self.split.take(index).stores)


class Unlabelled(SampleDataModule):
    """Samples without classes, made from a seed.

    Args:
        batch_size: Samples an optimizer step.
        eval_batch_size: Samples a batch in validation, test and prediction.
    """

    unit = "samples"
    stand_in = "samples"
    batch_type: ClassVar[type]

    def __init__(self, batch_size: int = 40, eval_batch_size: int = 16) -> None:
        super().__init__("", "synthetic", batch_size, eval_batch_size)

    def make(self, count: int, rng: torch.Generator) -> Split:
        """Makes so many samples."""
        raise NotImplementedError

    def load(self) -> dict[str, Split]:
        """Makes all parts."""
        return {part: self.make(count, generator(0, part)) for part, count in SIZES.items()}

    def make_loader(self, split: Split, batch_size: int, seed: int | None, in_order: bool) -> RowLoader:
        """Makes a loader of this process."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        return RowLoader(self.batch_type, split, batch_size, seed, rank, world_size)

    def read_inputs(self) -> Split:
        """Refuses files."""
        raise InputError("--input: there are no files of these samples")

    def input_names(self) -> list[str]:
        """Returns the names as they are given."""
        return self.inputs

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns the numbers that the model makes of each sample."""
        texts = [" ".join(f"{value:g}" for value in row) for row in outputs.tolist()]
        return PredictionTable(("sample", "output"), list(zip(names, texts, strict=True)))


class Points(Unlabelled):
    """Points around a ring."""

    name = "points"
    batch_type = PointBatch

    def make(self, count: int, rng: torch.Generator) -> PointSplit:
        """Draws points at about distance 1 from the origin."""
        angle = 2 * torch.pi * torch.rand(count, generator=rng)
        radius = 1 + 0.1 * torch.randn(count, generator=rng)
        return PointSplit(torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1))


class Pairs(Unlabelled):
    """Sequences of tokens and their reversals, of one to five tokens; 0 is padding."""

    name = "pairs"
    batch_type = PairBatch
    vocab_size = VOCAB_SIZE

    def make(self, count: int, rng: torch.Generator) -> PairSplit:
        """Draws sequences."""
        lengths = torch.randint(1, LENGTH + 1, (count,), generator=rng)
        places = torch.arange(LENGTH).expand(count, LENGTH)
        sources = torch.randint(1, VOCAB_SIZE, (count, LENGTH), generator=rng).where(places < lengths[:, None], 0)
        targets = sources.gather(1, (lengths[:, None] - 1 - places).clamp(min=0)).where(places < lengths[:, None], 0)
        return PairSplit(sources, targets, lengths)


class MarkedTunes(TinyTunes):
    """Tunes whose symbols have marks, six batches an epoch."""

    def __init__(self, batch_size: int = 4, vocabulary: str | None = None) -> None:
        super().__init__(batch_size=batch_size, steps=160, bar_marks=True, vocabulary=vocabulary)
