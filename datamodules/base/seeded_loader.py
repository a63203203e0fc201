"""Reproducible batches of another package's loader, from any batch on."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from core.randomness import derived_seed


class SeededLoader:
    """Wraps a loader, so that each batch follows from (seed, epoch, batch) as far as torch, NumPy and `random` draw it.

    The order of an epoch, what worker processes draw, and what is drawn for each batch in this process are reseeded.
    A resumed run reads the batches before its place once more and drops them.

    Args:
        loader: The loader; its attributes are those of this one.
        seed: What all of its draws follow from.
        epoch: Returns the epoch that an iteration belongs to; asked at its first batch.
        position: Returns the batch at which the first iteration starts; asked at its first batch.
    """

    def __init__(self, loader: Any, seed: int, epoch: Callable[[], int], position: Callable[[], int]) -> None:
        self.loader = loader
        self._seed = seed
        self._epoch = epoch
        self._position: Callable[[], int] | None = position

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of the loader."""
        if name == "loader":  # not there yet
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __len__(self) -> int:
        """Number of batches; a TypeError if the loader has none."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Hands out batches."""
        skipped = 0 if self._position is None else self._position()
        self._position = None
        epoch = self._epoch()
        seed_libraries(derived_seed(self._seed, epoch))
        if isinstance(self.loader, DataLoader) and self.loader.generator is not None:
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
    """Seeds the generators of the CPU that a data set may draw from."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
