"""Data modules without classes: points in the plane, and pairs of sequences."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from core.predictions import Table
from core.randomness import generator
from datamodules.base.data_module import DataModule
from datamodules.base.loader import SampleLoader

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


class TensorLoader(SampleLoader):
    """Hands out rows of tensors, in an order that follows from seed and epoch."""

    def __init__(self, tensors: tuple[Tensor, ...], batch: type, *arguments: Any) -> None:
        super().__init__(len(tensors[0]), *arguments)
        self.tensors = tensors
        self.batch = batch

    def __iter__(self) -> Iterator[Any]:
        """Yields batches from `position` on."""
        if self.seed is None:
            order = torch.arange(self.rank, self.samples, self.world_size)
        else:
            order = torch.randperm(self.samples, generator=generator(self.seed, "order", self.epoch))
            order = order[: len(self) * self.batch_size][self.rank :: self.world_size]
        first, self.position = self.position, 0
        for index in order.split(self.share)[first:]:
            yield self.batch(*(tensor[index] for tensor in self.tensors))


class Unlabelled(DataModule):
    """Samples without classes, made from a seed.

    Args:
        batch_size: Samples an optimizer step.
        eval_batch_size: Samples a batch in validation, test and prediction.
    """

    name = "unlabelled"
    unit = "samples"
    stand_in = "samples"
    batch_type: ClassVar[type]

    def __init__(self, batch_size: int = 40, eval_batch_size: int = 16) -> None:
        super().__init__("", "synthetic", batch_size, eval_batch_size)

    def make(self, count: int, rng: torch.Generator) -> tuple[Tensor, ...]:
        """Makes so many samples."""
        raise NotImplementedError

    def load(self) -> dict[str, range]:
        """Makes all parts."""
        self.tensors = {part: self.make(count, generator(0, part)) for part, count in SIZES.items()}
        return {part: range(count) for part, count in SIZES.items()}

    def _loader(self, part: str, batch_size: int, seed: int | None = None) -> TensorLoader:
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        loader = TensorLoader(self.tensors[part], self.batch_type, batch_size, seed, rank, world_size)
        return self.keep(part, loader)

    def train_dataloader(self) -> TensorLoader:
        """Loader of the training part, at the batch where a resumed run continues."""
        return self.resumed(self._loader("train", self.batch_size, self.trainer.seed))

    def val_dataloader(self) -> TensorLoader:
        """Loader of the validation part."""
        return self._loader("val", self.eval_batch_size)

    def test_dataloader(self) -> TensorLoader:
        """Loader of the test part."""
        return self._loader("test", self.eval_batch_size)

    predict_dataloader = test_dataloader

    def prediction_names(self) -> list[str]:
        """Names of the test samples."""
        return [f"test[{place}]" for place in range(SIZES["test"])]

    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns the numbers that the model makes of each sample."""
        rows = [
            (name, " ".join(f"{value:g}" for value in row)) for name, row in zip(names, outputs.tolist(), strict=True)
        ]
        return Table(("sample", "output"), rows)


class Points(Unlabelled):
    """Points around a ring."""

    name = "points"
    batch_type = PointBatch

    def make(self, count: int, rng: torch.Generator) -> tuple[Tensor, ...]:
        """Draws points at about distance 1 from the origin."""
        angle = 2 * torch.pi * torch.rand(count, generator=rng)
        radius = 1 + 0.1 * torch.randn(count, generator=rng)
        return (torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1),)


class Pairs(Unlabelled):
    """Sequences of tokens and their reversals, of one to five tokens; 0 is padding."""

    name = "pairs"
    batch_type = PairBatch
    vocab_size = VOCAB_SIZE

    def make(self, count: int, rng: torch.Generator) -> tuple[Tensor, ...]:
        """Draws sequences."""
        lengths = torch.randint(1, LENGTH + 1, (count,), generator=rng)
        places = torch.arange(LENGTH).expand(count, LENGTH)
        sources = torch.randint(1, VOCAB_SIZE, (count, LENGTH), generator=rng).where(places < lengths[:, None], 0)
        targets = sources.gather(1, (lengths[:, None] - 1 - places).clamp(min=0)).where(places < lengths[:, None], 0)
        return sources, targets, lengths
