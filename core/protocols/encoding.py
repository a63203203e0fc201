"""Protocols of pictures that a fixed network encodes once: who states the network, and who keeps what it makes of them.

A model whose first part never trains need not run it in every epoch. It implements `EncodesPictures`, and its data
`KeepsFeatures`, as all image data modules of this project do. The callback `Features` brings the two together before a
stage begins, and from then on **`images` of every batch holds features and not pixels**, in training, validation, test
and prediction alike: those of the data set's pictures come from memory, those of pictures that `predict --input`
names are computed as they come. A model need not tell the two apart.

What a model has to do for this:

1. Have the fixed network as a submodule, such as `self.network`, so that checkpoints hold its weights and a run goes on
   where the source of them is gone. `--weights pretrained:NAME` fills it once, in a new run; a network within another
   renames in `from_torchvision`.
2. Return it, or a chain such as `nn.Sequential(self.network, self.pool)`, from `picture_encoder()`. It gets
   normalised float pictures [B, C, H, W] and returns features: vectors [B, D], places [B, P, D], or maps [B, D, H, W].
   Whatever it does to them, such as pooling, belongs into it, as a module whose `repr` shows its settings: key of the
   kept features are the `repr` and the weights.
3. Start from `batch.images` as features, float32 of that shape.

Its parameters are frozen, and it runs in evaluation mode, without gradients, in the precision of the trainer. Pictures
are not augmented, since each is encoded once, or in a few fixed views (`--features.views`). Features are kept in
`data_dir`, as safetensors, by a digest of each picture's pixels: other splits of the same pictures use them, and new
pictures are added.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class EncodesPictures(Protocol):
    """A model that can have a fixed first part, which encodes pictures."""

    def picture_encoder(self) -> nn.Module | None:
        """Returns the part that encodes pictures, float32 [B, C, H, W], and never trains; None if there is none now."""


@runtime_checkable
class HasSteps(Protocol):
    """A network that is a chain of parts, behind each of which it can be divided."""

    def steps(self) -> Mapping[str, nn.Module]:
        """Returns the parts in order, by name; each takes what the one before it returns. Empty if it is no chain."""

    def encode_until(self, step: str | None) -> None:
        """Makes the parts up to a step the encoder, so that batches hold its features; None for none."""


class Encoder(Protocol):
    """A fixed network as data modules use it."""

    device: torch.device
    views: int  # augmented views that training pictures have; 0 for the picture as it is

    @property
    def key(self) -> str:
        """A digest of all that features depend on, beside the pictures."""

    def __call__(self, images: Tensor) -> Tensor:
        """Returns the features of normalised pictures, float32 [B, C, H, W], in the type in which they are kept."""


@runtime_checkable
class KeepsFeatures(Protocol):
    """A data module of pictures, whose batches hold their features while it has an encoder."""

    encoder: Encoder | None

    def check_encoding(self, views: int) -> None:
        """Checks that its pictures can be encoded once in so many views, 0 for the picture as it is.

        Raises:
            InputError: They change from epoch to epoch, or views would not differ.
        """
