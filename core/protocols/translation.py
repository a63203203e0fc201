"""Protocols of translation: a model that translates, and data of sentences with their translations."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Translates(Protocol):
    """A model that translates, and may know which symbols of a sentence each symbol of its translation attends to."""

    beam: int

    def translate(self, sources: Tensor, lengths: Tensor, beam: int) -> Tensor:
        """Returns translations int64 [B, L] of symbols [B, S] and lengths [B]."""

    def attention_to(self, sources: Tensor, lengths: Tensor, translations: Tensor) -> Tensor | None:
        """Returns weights [B, L, S] of the symbols of translations on those of sentences; None if it has none."""


@runtime_checkable
class HasTranslations(Protocol):
    """A data module of sentences and their translations."""

    def sentences(self, part: str) -> Sequence[str]:
        """Returns the sentences of a part, `val` or `test`."""

    def references(self, part: str) -> Sequence[str]:
        """Returns their translations."""

    def batch_of(self, part: str, places: Tensor) -> Any:
        """Returns the pairs at places [B] of a part in one batch, with `sources` and `source_lengths`."""

    def translation_of(self, symbols: Tensor) -> str:
        """Returns the text of a translation's symbols [T]."""

    def pieces_of(self, sources: Tensor, targets: Tensor) -> tuple[list[str], list[str]]:
        """Returns the symbols of a sentence [S] and of its translation [T] as texts."""
