"""Protocols of what general code needs from models and data modules of pictures; see `core.protocols.general`."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class HasImages(Protocol):
    """A data module of images."""

    image_size: int  # height and width

    def images_of(self, part: str, places: Tensor) -> Tensor:
        """Returns images of a part, uint8 [N, H, W, C], by their indices int64 [N]."""


@runtime_checkable
class ShowsInputs(Protocol):
    """A data module that turns the images of a batch, as a network receives them, into pixels."""

    def shown_inputs(self, batch: Any) -> Tensor | None:
        """Returns the images of a batch as pixels, uint8 [B, H, W, C]; None if it holds none, but features."""


@runtime_checkable
class NormalizesImages(Protocol):
    """A data module that scales the pixels of its images."""

    normalization: Any  # with `kind`: `symmetric` gives -1 to 1


@runtime_checkable
class GeneratesPictures(Protocol):
    """A model whose prediction is pictures that it makes of noise, and not of samples."""

    def requests(self, class_names: Sequence[str]) -> list[Any]:
        """Returns what `predict_step` makes pictures of, uint8 [B, H, W, C], batch by batch; no fewer than names."""

    def picture_names(self, class_names: Sequence[str]) -> list[str]:
        """Returns the names of all these pictures, without endings; classes have names if there are any."""


@runtime_checkable
class PredictsPictures(Protocol):
    """A model that makes a picture of each sample: its `predict_step` returns uint8 [B, H, W, C], of any size."""

    predicts_pictures: bool


@runtime_checkable
class InvertsInputs(Protocol):
    """A data module that can take the negatives of the pictures that it is given to predict."""

    invert: bool


@runtime_checkable
class DecodesPictures(Protocol):
    """A data module that reads a picture from the content of a file, as its network was trained on them."""

    def decode_picture(self, content: bytes) -> Tensor:
        """Returns the pixels of a picture, uint8 [H, W, C].

        Raises:
            InputError: It is none, or one that is too large.
        """
