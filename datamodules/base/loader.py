"""Loaders of one split's batches, which can start at any batch of an epoch."""

import torch
from torch import Tensor

from datamodules.base.selection import Selection


class Loader:
    """Loads the batches of one split; a subclass sets `batch_size`, the samples per batch on all processes together.

    A subclass implements `__iter__` as a generator, which reads epoch and position at the first `next`, because
    Lightning creates iterators before it sets the epoch, and more of them than it uses.

    Args:
        seed: Seed of the order, which differs between epochs; None for a fixed order.

    Attributes:
        epoch: Epoch of the next iteration, from 0.
        position: First batch of the next iteration; 0 except after a resume.
        repeats: Whether every epoch has the batches of the first one.
    """

    batch_size: int

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.epoch = 0
        self.position = 0
        self.repeats = False
        if seed is not None:
            self.sampler = self  # Lightning sets the epoch through `loader.sampler.set_epoch`

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next iteration."""
        self.epoch = 0 if self.repeats else epoch

    def state_dict(self) -> dict:
        """Returns an empty state: the data module saves the position. Lightning calls this on resumable loaders."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Ignores the state: the data module restores the position."""

    def close(self) -> None:
        """Ends the loader's worker processes."""


class SampleLoader(Loader):
    """Loads batches of samples: in training complete batches of equal size on all processes, else every sample once.

    An iteration in training takes its samples from `training_order`, or it would ignore the selection.

    Args:
        samples: Number of samples.
        batch_size: Samples per batch, on all processes together.
        seed: Seed of the shuffling; None for evaluation.
        rank: Index of this process.
        world_size: Number of processes.

    Attributes:
        selection: Chooses the samples of each epoch of training; None for all.
    """

    selection: Selection | None = None

    def __init__(
        self, samples: int, batch_size: int, seed: int | None = None, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(seed)
        self.samples = samples
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size

    def __len__(self) -> int:
        """Number of batches in an epoch on this process."""
        if self.seed is not None:
            return (self.samples if self.selection is None else self.selection.size) // self.batch_size
        mine = len(range(self.rank, self.samples, self.world_size))
        return -(-mine // self.share)

    def training_order(self, rng: torch.Generator | None) -> Tensor:
        """Returns the samples of the epoch's whole batches, int64: of all, or of those chosen in their own order.

        Args:
            rng: Shuffles all samples; None for the order of their places.
        """
        n = len(self) * self.batch_size
        if self.selection is None:
            return torch.arange(n) if rng is None else torch.randperm(self.samples, generator=rng)[:n]
        chosen = self.selection.order[:n]  # before they are sorted, so that a random part is left over
        return chosen.sort().values if rng is None else chosen

    @property
    def share(self) -> int:
        """Samples per batch on this process."""
        return max(1, self.batch_size // self.world_size)
