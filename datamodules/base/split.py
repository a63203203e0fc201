"""One split of a data set: stores of samples, and the labels or other data of each sample, of equal length."""

from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

PARTS = ("train", "val", "test")  # names of a data set's splits


class Store(Protocol):
    """Samples of one kind, in memory or on disk, without labels: these are another store, or a tensor.

    Attributes:
        device: Device of the samples.
        nbytes: Size in memory; None if on disk.
    """

    device: torch.device
    nbytes: int | None

    def __len__(self) -> int:
        """Number of samples."""

    def take(self, places: Tensor) -> "Store":
        """Returns some of the samples, by indices int64 [M]."""

    def to(self, device: torch.device) -> "Store":
        """Returns the store on a device."""


@dataclass
class Split:
    """Samples of one split. A subclass is a dataclass whose fields are tensors or stores, with one entry per sample.

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
        """Device of the samples."""
        return self.stores[0].device

    @property
    def nbytes(self) -> int | None:
        """Size in memory; None if a store is on disk."""
        sizes = [store.nbytes for store in self.stores]
        return None if None in sizes else sum(sizes)

    def take(self, index: Tensor | slice) -> "Split":
        """Returns a selection of the samples, by indices, a mask or a slice."""
        places = torch.arange(len(self))[index]
        # index_select copies whole samples, which is faster than indexing, which copies single values
        selected = (s.index_select(0, places) if isinstance(s, Tensor) else s.take(places) for s in self.stores)
        return type(self)(*selected)

    def to(self, device: torch.device) -> "Split":
        """Returns the samples on a device."""
        return type(self)(*(store.to(device) for store in self.stores))
