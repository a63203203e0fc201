"""Which pictures are for training, validation and test."""

from collections.abc import Mapping, Sequence

import torch

from core.errors import InputError
from datamodules.base.split import PARTS
from datamodules.captioned.finding import count_names

SHARE = 10  # of the training pictures, one in so many is for validation where nothing else is said


def divide(
    names: Sequence[str], parts: Mapping[str, str], sizes: Mapping[str, int | None], seed: int
) -> tuple[dict[str, list[str]], list[str]]:
    """Divides pictures into parts.

    Args:
        names: All pictures.
        parts: The part of each, where a file states parts; pictures without are then left out. Else all are for
            training.
        sizes: How many training pictures to set aside at random for `val` and `test`, where no file states these parts;
            None for a tenth for `val`, and none for `test`.
        seed: Seed of that choice.

    Returns:
        Names of each part in the order of `names`, and lines for the user. Where files state no training pictures,
        there are none.

    Raises:
        InputError: No training picture is left by the numbers, or a number is given for a part that there is already.
    """
    chosen = {part: [name for name in names if not parts or parts.get(name) == part] for part in PARTS}
    if not parts:
        chosen |= {"val": [], "test": []}
    unnamed = [name for name in names if parts and name not in parts]
    lines = [f"skipped  pictures that belong to no part: {count_names(unnamed)}"] if unnamed else []
    train = chosen["train"]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed)).tolist()
    taken = 0
    for part, size in sizes.items():
        if chosen[part]:
            if size is not None:
                raise InputError(f"data.{part}_size is {size}: there are {len(chosen[part]):,} {part} pictures already")
            continue
        count = size if size is not None else len(train) // SHARE if part == "val" else 0
        chosen[part] = [train[place] for place in sorted(order[taken : taken + count])]
        taken += count
    if train and taken >= len(train):
        raise InputError(
            f"data.val_size and data.test_size: too large for {len(train):,} training pictures; give fewer, such as "
            f"{len(train) // SHARE}"
        )
    chosen["train"] = [train[place] for place in sorted(order[taken:])]
    return chosen, lines
