"""Whether a network has what it starts from, which this project's trainer gives it before training."""

from torch import nn

from core.errors import InputError
from core.own_trainer import WAY_OUT
from core.protocols.general import StartsFromCounts, StartsFromSamples, StartsFromWords

KINDS = (StartsFromSamples, StartsFromCounts, StartsFromWords)


def check_started(model: nn.Module) -> None:
    """Checks that layers whose first values follow from the training data have them, if they tell it by `is_set`.

    Raises:
        InputError: One has not.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, KINDS) and not getattr(layer, "is_set", True):
            raise InputError(
                f"{name or type(model).__name__} starts from the training data, which it has not seen: give a data set "
                f"of this project, not loaders, and {WAY_OUT}"
            )
