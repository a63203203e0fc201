"""Whole batches from tensors in memory, in an order that is a function of (seed, epoch)."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from engine.randomness import generator


class Batch(NamedTuple):
    """What a model is fed.

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


class Draws(Protocol):
    """Draws what happens to every sample of one epoch."""

    def draw(self, n: int, seed: int, epoch: int) -> dict[str, Tensor]:
        """Returns tensors of length n by name."""
        ...


class BatchLoader:
    """Iterates over one split in memory, a gather a batch.

    For training it shuffles, drops the incomplete last batch, and gives every rank an equal slice of each global
    batch. For evaluation it keeps the order and every sample; rank r takes samples r, r + world, ...

    Args:
        images: All images of the split, [N, H, W, C].
        targets: Their classes, [N].
        batch_size: Images a batch, over all ranks together.
        seed: Shuffle and draw by this seed; None evaluates in order.
        augmentation: Draws the augmentation of an epoch, sample by sample.
        rank: This process.
        world_size: Number of processes.
    """

    def __init__(
        self,
        images: Tensor,
        targets: Tensor,
        batch_size: int,
        seed: int | None = None,
        augmentation: Draws | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.images = images
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed
        self.augmentation = augmentation
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.position = 0  # batch at which the next iteration starts; not 0 only right after a resume
        if seed is not None:
            self.sampler = self  # Lightning announces the epoch through `loader.sampler.set_epoch`

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, from 0, that the next iteration belongs to."""
        self.epoch = epoch

    def state_dict(self) -> dict:
        """Returns nothing: the data module keeps the position. Lightning asks this of a loader that can resume."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Ignores the state, for the same reason."""

    def __len__(self) -> int:
        """Number of batches of a whole epoch on this rank."""
        if self.seed is not None:
            return len(self.targets) // self.batch_size
        mine = len(range(self.rank, len(self.targets), self.world_size))
        return -(-mine // self._share)

    @property
    def _share(self) -> int:
        """Images a batch on this rank."""
        return max(1, self.batch_size // self.world_size)

    def __iter__(self) -> Iterator[Batch]:
        # A generator: epoch and position are read at the first `next`, since Lightning asks for iterators before it
        # knows the epoch, and for more of them than it uses.
        return self._evaluation_batches() if self.seed is None else self._training_batches()

    def _training_batches(self) -> Iterator[Batch]:
        first, self.position = self.position, 0
        n = len(self.targets)
        order = torch.randperm(n, generator=generator(self.seed, "order", self.epoch))
        draws: dict[str, Tensor] = {}
        if self.augmentation is not None:
            draws = self.augmentation.draw(n, self.seed, self.epoch)
        device = self.images.device
        order = order.to(device)
        draws = {name: values.to(device) for name, values in draws.items()}
        for batch in range(first, len(self)):
            start = batch * self.batch_size + self.rank * self._share
            yield self._gather(order[start : start + self._share], draws)

    def _evaluation_batches(self) -> Iterator[Batch]:
        mine = torch.arange(self.rank, len(self.targets), self.world_size, device=self.images.device)
        for index in mine.split(self._share):
            yield self._gather(index, {})

    def _gather(self, index: Tensor, draws: dict[str, Tensor]) -> Batch:
        taken = {name: values[index] for name, values in draws.items()}
        return Batch(self.images[index], self.targets[index], index, taken)
