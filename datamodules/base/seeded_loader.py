"""Reproducible batches of another package's loader, which can start at any batch of an epoch."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from core.randomness import derived_seed

OF_ONE_PROCESS = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)  # know of no other: each draws all samples


class SeededLoader:
    """Wraps a loader and seeds torch, NumPy and `random` by (seed, epoch, batch) before each batch.

    The order of an epoch, the worker processes, and the draws for each batch in this process are seeded. A resumed run
    reads the earlier batches of its epoch again and discards them. Persistent workers start anew in each epoch, since
    what they draw would follow from all epochs before.

    Where several processes share an order of samples, they draw it alike, and the rest each for itself. Torch's random
    samplers know of no other process, so that each draws an order of its own; Lightning wraps or replaces them unless
    told not to (`use_distributed_sampler: false`).

    Args:
        loader: The loader; its attributes are available on this object, too.
        seed: Seed of all draws.
        epoch: Returns the epoch of an iteration; called at its first batch.
        position: Returns the first batch of the first iteration; called at that batch.
        order_seed: Seed of the order of samples that several processes share; `seed` is of this one alone then.
    """

    def __init__(
        self,
        loader: Any,
        seed: int,
        epoch: Callable[[], int],
        position: Callable[[], int],
        order_seed: int | None = None,
    ) -> None:
        self.loader = loader
        self._seed = seed
        self._order_seed = order_seed if _shares_order(loader) else None
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
            if self.loader.generator is not None:  # which samplers may draw from, too
                seed = self._seed if self._order_seed is None else self._order_seed
                self.loader.generator.manual_seed(derived_seed(seed, epoch, "generator"))
        with self._shared_order(epoch):
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

    @contextmanager
    def _shared_order(self, epoch: int) -> Iterator[None]:
        """Lets an iterator that is made now draw its order as all processes do, and seed its workers as none else."""
        if self._order_seed is None:
            yield
            return
        held = vars(self.loader)  # DataLoader allows no other sampler once it is made
        name = "sampler" if self.loader.batch_sampler is None else "batch_sampler"
        before = {key: held[key] for key in (name, "generator")}
        held[name] = DrawnAlike(held[name], derived_seed(self._order_seed, epoch))
        held["generator"] = torch.Generator().manual_seed(derived_seed(self._seed, epoch))
        try:
            yield
        finally:
            held.update(before)


class DrawnAlike:
    """Gives what a sampler gives, drawn by a seed of its own; what else is drawn stays as it would have been.

    Args:
        sampler: The sampler; its attributes are available on this object, too.
        seed: Seed of all draws, the same for every iteration.
    """

    def __init__(self, sampler: Any, seed: int) -> None:
        self._sampler = sampler
        self._seed = seed

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of the sampler."""
        if name == "_sampler":  # not set yet, as during unpickling
            raise AttributeError(name)
        return getattr(self._sampler, name)

    def __len__(self) -> int:
        """Number of samples, or of batches of them."""
        return len(self._sampler)

    def __iter__(self) -> Iterator[Any]:
        """Yields what the sampler yields."""
        chosen: Iterator[Any] | None = None
        place = 0
        while True:
            before = torch.default_generator.get_state(), np.random.get_state(), random.getstate()
            seed_libraries(derived_seed(self._seed, place))
            try:
                chosen = iter(self._sampler) if chosen is None else chosen
                samples = next(chosen)
            except StopIteration:
                return
            finally:
                torch.default_generator.set_state(before[0])
                np.random.set_state(before[1])
                random.setstate(before[2])
            yield samples
            place += 1


def seed_libraries(seed: int) -> None:
    """Seeds the CPU random generators that a data set may use."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _shares_order(loader: Any) -> bool:
    """Returns whether a loader's sampler can take a process's share of an order that all processes draw."""
    if not isinstance(loader, DataLoader):
        return False
    return not isinstance(getattr(loader.batch_sampler, "sampler", loader.sampler), OF_ONE_PROCESS)
