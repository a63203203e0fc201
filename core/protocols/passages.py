"""Passages of texts, which a language model is shown from its empty state; who gives them, and who reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.indices import evenly_spaced_indices


@dataclass(frozen=True)
class Passages:
    """N passages of equal length T.

    Attributes:
        symbols: int64 [N, T].
        texts: The same as they are shown, symbol by symbol.
        marks: Marks of the symbols, int64 [N, T, F]; None if they have none.
        facts: What is true at each place and cannot be seen from the symbols around it, float32 [N, T], by name.
    """

    symbols: Tensor
    texts: list[list[str]]
    marks: Tensor | None = None
    facts: Mapping[str, Tensor] = field(default_factory=dict)

    def read(self, rows: slice, places: slice, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Returns symbols and marks of some places of some passages, on a device, as a language model reads them."""
        marks = None if self.marks is None else self.marks[rows, places].to(device)
        return self.symbols[rows, places].to(device), marks


def cut(text: Tensor, count: int, length: int) -> Tensor:
    """Returns up to `count` pieces of a text [L, ...], evenly spaced and of at most `length` symbols, [N, T, ...]."""
    length = max(1, min(length, len(text)))
    pieces = text[: len(text) // length * length].view(-1, length, *text.shape[1:])
    return pieces[evenly_spaced_indices(len(pieces), min(count, len(pieces)))]


@runtime_checkable
class GivesPassages(Protocol):
    """A data module of texts that a language model reads symbol by symbol."""

    def passages(self, part: str, count: int, length: int) -> Passages:
        """Returns up to so many passages of a part, evenly spaced, of so many symbols at most."""

    def passages_of(self, inputs: Sequence[str], count: int, length: int) -> Passages:
        """Returns passages of what a user gives: texts, or names of files of texts.

        Raises:
            InputError: One cannot be read.
        """


@runtime_checkable
class ContinuesSymbols(Protocol):
    """A language model that reads symbols one after the other, and carries its state from each to the next."""

    def embed(self, symbols: Tensor) -> Tensor:
        """Returns the inputs of the first layer, [B, T, I], for symbols int64 [B, T]."""

    def continue_from(self, state: Any, x: Tensor) -> tuple[Tensor, Any]:
        """Returns logits [B, T, V] and the state after inputs [B, T, I], from the state before them (None: empty).

        The state of a recurrent network is a list with a tuple for each layer, whose last part is its cells, [B, H].
        """

    def __call__(self, symbols: Tensor, state: Any, marks: Tensor | None) -> tuple[Tensor, Any]:
        """Returns the same of symbols int64 [B, T] and their marks."""
