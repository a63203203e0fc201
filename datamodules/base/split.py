"""One part of a data set: stores of samples, and what belongs to each sample, all of the same length."""

from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor


class Store(Protocol):
    """Samples of one kind, in memory or on disk. It carries no labels: these are a second store, or a tensor.

    Attributes:
        device: Where it is.
        nbytes: Its size in memory; None if it is on disk.
    """

    device: torch.device
    nbytes: int | None

    def __len__(self) -> int:
        """Number of samples."""

    def take(self, places: Tensor) -> "Store":
        """Returns some of the samples, by places int64 [M]."""

    def to(self, device: torch.device) -> "Store":
        """Returns it on a device."""


@dataclass
class Split:
    """Samples of one part. A subclass is a dataclass whose fields are tensors or stores, one entry a sample.

    Raises:
        ValueError: The fields have different lengths.
    """

    def __post_init__(self) -> None:
        if len({len(store) for store in self.stores}) > 1:
            raise ValueError(f"stores of different lengths: {[len(store) for store in self.stores]}")

    @property
    def stores(self) -> list[Tensor | Store]:
        """The fields, in order."""
        return [getattr(self, field.name) for field in fields(self)]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.stores[0])

    @property
    def device(self) -> torch.device:
        """Where the samples are."""
        return self.stores[0].device

    @property
    def nbytes(self) -> int | None:
        """Size in memory; None if a store is on disk."""
        sizes = [store.nbytes for store in self.stores]
        return None if None in sizes else sum(sizes)

    def take(self, index: Tensor | slice) -> "Split":
        """Returns a selection of the samples, by places, by a mask or by a slice."""
        places = torch.arange(len(self))[index]
        # index_select copies a tensor sample by sample, where indexing would do it value by value
        selected = (s.index_select(0, places) if isinstance(s, Tensor) else s.take(places) for s in self.stores)
        return type(self)(*selected)

    def to(self, device: torch.device) -> "Split":
        """Returns the samples on a device."""
        return type(self)(*(store.to(device) for store in self.stores))
