"""Protocols of judges: trained classifiers by whose features generated pictures are compared with real ones."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


class Judge(Protocol):
    """A classifier that has been trained, with the normalisation that it was trained with.

    Attributes:
        class_names: Names of its classes.
        in_channels: Channels of the pictures that it reads.
        digest: Digest of its weights.
        signature: What its figures depend on, in words: network, digest of the weights, accuracy.
    """

    class_names: tuple[str, ...]
    in_channels: int
    digest: str
    signature: str

    def to(self, device: torch.device) -> "Judge":
        """Moves the network to a device; returns the judge."""

    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features, float32 [N, D], and the most probable classes, int64 [N].

        Args:
            pictures: uint8 [N, H, W, C] of any size.
        """


@runtime_checkable
class TakesJudge(Protocol):
    """A model whose samples a judge may measure."""

    judge: str | None  # the run of the classifier

    def take_judge(self, judge: Judge) -> None:
        """Takes the judge, before anything is trained or measured."""
