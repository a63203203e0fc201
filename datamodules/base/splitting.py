"""Validation splits at random, with every class in proportion, or of blocks of neighbours."""

from typing import TypeVar

import torch
from torch import Tensor

from datamodules.base.split import Split

Part = TypeVar("Part", bound=Split)
BLOCKS = 10  # of each class


def random_split(part: Part, val_size: int, seed: int) -> tuple[Part, Part]:
    """Splits off a validation set at random.

    Args:
        part: Samples to split.
        val_size: Number of samples to split off.
        seed: Seed of the choice.

    Returns:
        Training and validation split, disjoint, each in the order of `part`.
    """
    is_val = torch.zeros(len(part), dtype=torch.bool)
    is_val[torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))[:val_size]] = True
    return part.take(~is_val), part.take(is_val)


def stratified_split(part: Part, val_size: int, num_classes: int, seed: int) -> tuple[Part, Part]:
    """Splits off a validation set with every class in proportion (stratified).

    Args:
        part: Samples to split, with a field `targets`, int64 [N].
        val_size: Number of samples to split off.
        num_classes: Number of classes.
        seed: Seed of the choice.

    Returns:
        Training and validation split, disjoint, each in the order of `part`.
    """
    is_val = stratified_choice(part.targets, val_size, num_classes, seed)
    return part.take(~is_val), part.take(is_val)


def stratified_choice(targets: Tensor, n: int, num_classes: int, seed: int) -> Tensor:
    """Chooses n samples with every class in proportion.

    Args:
        targets: Classes, int64 [N].
        n: Number of samples to choose.
        num_classes: Number of classes.
        seed: Seed of the choice.

    Returns:
        Mask of the chosen samples, bool [N].
    """
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    chosen[stratified_order(targets, num_classes, seed)[:n]] = True
    return chosen


def stratified_order(targets: Tensor, num_classes: int, seed: int) -> Tensor:
    """Returns the places of samples in a random order, each stretch of which has every class in proportion.

    Args:
        targets: Classes, int64 [N].
        num_classes: Number of classes.
        seed: Seed of the order.

    Returns:
        int64 [N].
    """
    rng = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(targets), generator=rng)
    # After a stable sort by class, the samples of each class get evenly spaced positions in [0, 1).
    by_class = shuffled[targets[shuffled].argsort(stable=True)]
    counts = torch.bincount(targets, minlength=num_classes)
    place = torch.cat([(torch.arange(count) + 0.5) / count for count in counts.tolist()])
    return by_class[place.argsort(stable=True)]


def choice_of_blocks(targets: Tensor, n: int, num_classes: int, seed: int) -> Tensor:
    """Chooses n samples with every class in proportion, in ten blocks of neighbours of each class.

    Neighbours are often about one thing, such as reviews of one film. Chosen one by one, samples would resemble others
    that are not chosen, and tell less of new ones.

    Args:
        targets: Classes, int64 [N].
        n: Number of samples to choose.
        num_classes: Number of classes.
        seed: Seed of the choice: each class is divided evenly, and the place of a block within its part is random.

    Returns:
        Mask of the chosen samples, bool [N].
    """
    shares = torch.bincount(targets[stratified_choice(targets, n, num_classes, seed)], minlength=num_classes)
    rng = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    for number, share in enumerate(shares.tolist()):
        parts = (targets == number).nonzero()[:, 0].tensor_split(BLOCKS)
        sizes = [len(block) for block in torch.empty(share).tensor_split(BLOCKS)]  # none is larger than its part
        for part, size in zip(parts, sizes, strict=True):
            start = int(torch.randint(len(part) - size + 1, (), generator=rng))
            chosen[part[start : start + size]] = True
    return chosen
