"""Reproducible batches of another package's loader, which can start at any batch of an epoch."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from core.randomness import derived_seed


class SeededLoader:
    """Wraps a loader and seeds torch, NumPy and `random` by (seed, epoch, batch) before each batch.

    The order of an epoch, the worker processes, and the draws for each batch in this process are seeded. A resumed run
    reads the earlier batches of its epoch again and discards them. Persistent workers start anew in each epoch, since
    what they draw would follow from all epochs before.

    Args:
        loader: The loader; its attributes are available on this object, too.
        seed: Seed of all draws.
        epoch: Returns the epoch of an iteration; called at its first batch.
        position: Returns the first batch of the first iteration; called at that batch.
    """

    def __init__(self, loader: Any, seed: int, epoch: Callable[[], int], position: Callable[[], int]) -> None:
        self.loader = loader
        self._seed = seed
        self._epoch = epoch
        self._position: Callable[[], int] | None = position

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of the loader."""
        if name == "loader":  # not set yet, as during unpickling
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __len__(self) -> int:
        """Number of batches; a TypeError if the loader has no length."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Yields the batches."""
        skipped = 0 if self._position is None else self._position()
        self._position = None
        epoch = self._epoch()
        seed_libraries(derived_seed(self._seed, epoch))
        if isinstance(self.loader, DataLoader):
            self.loader._iterator = None  # and with it persistent workers
            if self.loader.generator is not None:
                self.loader.generator.manual_seed(derived_seed(self._seed, epoch, "generator"))
        batches = iter(self.loader)
        place = 0
        while True:
            seed_libraries(derived_seed(self._seed, epoch, place))
            try:
                batch = next(batches)
            except StopIteration:
                return
            if place >= skipped:
                yield batch
            place += 1


def seed_libraries(seed: int) -> None:
    """Seeds the CPU random generators that a data set may use."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
