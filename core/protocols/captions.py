"""Protocols of captions: a model that describes pictures, and data of pictures with captions by people."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Describes(Protocol):
    """A model that writes captions, and may know which places of a picture each word attends to."""

    beam: int

    def describe(self, images: Tensor, beam: int) -> Tensor:
        """Returns captions int64 [B, L] of pictures as batches have them."""

    def attention_to(self, images: Tensor, captions: Tensor) -> Tensor | None:
        """Returns weights [B, L, H, W] of the symbols of captions on places of the pictures; None if it has none."""


@runtime_checkable
class HasCaptions(Protocol):
    """A data module of pictures with captions by people."""

    def references(self, part: str) -> Sequence[Sequence[str]]:
        """Returns the captions by people of each picture of a part, `train`, `val` or `test`."""

    def picture_names(self, part: str) -> Sequence[str]:
        """Returns the names of its pictures."""

    def images_of(self, part: str, places: Tensor) -> Tensor:
        """Returns pictures of a part, uint8 [N, H, W, C], by their places int64 [N]."""

    def batch_of(self, part: str, places: Tensor) -> Any:
        """Returns the pictures at places [B] of a part in one batch, whose `images` are the model's input."""

    def words_of(self, symbols: Tensor) -> list[str]:
        """Returns the words of a caption's symbols [T]."""
