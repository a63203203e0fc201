"""Setting validation samples aside."""

from typing import Protocol, TypeVar

import torch
from torch import Tensor


class Classified(Protocol):
    """Samples with their classes."""

    targets: Tensor  # int64 [N]

    def __len__(self) -> int:
        """Number of samples."""

    def take(self, index: Tensor) -> "Classified":
        """Returns a selection, by a mask."""


Part = TypeVar("Part", bound=Classified)


def stratified_split(part: Part, val_size: int, num_classes: int, seed: int) -> tuple[Part, Part]:
    """Splits off a validation set with the classes in proportion.

    Args:
        part: Samples and classes to split.
        val_size: Number of samples to split off.
        num_classes: Number of classes.
        seed: Seed of the choice.

    Returns:
        Training and validation split, disjoint, each in the order of `part`.
    """
    is_val = stratified_choice(part.targets, val_size, num_classes, seed)
    return part.take(~is_val), part.take(is_val)


def stratified_choice(targets: Tensor, n: int, num_classes: int, seed: int) -> Tensor:
    """Chooses n samples with the classes in proportion.

    Args:
        targets: Classes, int64 [N].
        n: Number of samples to choose.
        num_classes: Number of classes.
        seed: Seed of the choice.

    Returns:
        Which are chosen, bool [N].
    """
    rng = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(targets), generator=rng)
    # Stable sort by class, then every class is spread evenly over [0, 1): the first n places hold each class in
    # proportion.
    by_class = shuffled[targets[shuffled].argsort(stable=True)]
    counts = torch.bincount(targets, minlength=num_classes)
    place = torch.cat([(torch.arange(count) + 0.5) / count for count in counts.tolist()])
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    chosen[by_class[place.argsort(stable=True)[:n]]] = True
    return chosen
