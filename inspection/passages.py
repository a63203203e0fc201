"""Passages of a text, which a language model reads from its empty state."""

from core.protocols.passages import ContinuesSymbols, GivesPassages, Passages
from inspection.subject import Subject
from inspection.views import NotShown


def passages_of(subject: Subject, count: int, length: int, least: int = 2) -> Passages:
    """Returns passages of the part, or of the texts that the user has named.

    Args:
        subject: The network and its data.
        count: How many, at most.
        length: Symbols of each, at most.
        least: Symbols of each, at least.

    Raises:
        NotShown: The network reads no symbols one after the other, or its data has no text or too short a one.
    """
    model, data = subject.model, subject.data
    if not isinstance(model, ContinuesSymbols):
        raise NotShown(f"{type(model).__name__} reads no text symbol by symbol")
    if not isinstance(data, GivesPassages):
        raise NotShown(f"{type(data).__name__} has no running text")
    if subject.names:
        passages = data.passages_of(subject.names, count, length)
    else:
        passages = data.passages(subject.part, count, length)
    if passages.symbols.shape[1] < least or len(passages.symbols) < 2:
        raise NotShown(f"the text is too short: two passages of {least} symbols or more are needed")
    return passages
