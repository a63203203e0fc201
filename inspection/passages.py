"""Passages of a text, which a language model reads from its empty state."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.protocols import ContinuesSymbols, GivesPassages
from inspection.subject import Subject
from inspection.views import NotShown


@dataclass(frozen=True)
class Passages:
    """Passages of equal length.

    Attributes:
        symbols: int64 [N, T].
        texts: The same as characters.
    """

    symbols: Tensor
    texts: list[list[str]]


def passages_of(subject: Subject, count: int, length: int) -> Passages:
    """Returns passages of the part, or of the texts that the user has named.

    Args:
        subject: The network and its data.
        count: How many, at most.
        length: Symbols of each, at most.

    Raises:
        NotShown: The network reads no symbols one after the other, or its data has no text or too short a one.
    """
    model, data = subject.model, subject.data
    if not isinstance(model, ContinuesSymbols):
        raise NotShown(f"{type(model).__name__} reads no text symbol by symbol")
    if not isinstance(data, GivesPassages):
        raise NotShown(f"{type(data).__name__} has no running text")
    if subject.names:
        text = torch.tensor([number for name in subject.names for number in data.encode(name)])
        length = min(length, max(2, len(text) // 2))
        symbols = text[: len(text) // length * length].view(-1, length)[:count]
    else:
        symbols = data.passages(subject.part, count, length)
    if symbols.shape[1] < 2 or len(symbols) < 2:
        raise NotShown("the text is too short")
    return Passages(symbols, [[data.symbols[number] for number in row] for row in symbols.tolist()])
