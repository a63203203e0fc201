"""Words in plots: names that matplotlib shows as they are, and titles."""

from torch import Tensor

from core.terminal.printable import cut_to


def plain(name: str) -> str:
    """Returns a name for matplotlib, which would read dollars as mathematics, and leave `_name` out of a legend."""
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


def shortened(name: str, most: int) -> str:
    """Returns a name for matplotlib in at most so many letters, of which wide ones are two, its end cut off."""
    return plain(cut_to(name, most, "…"))


def accuracy_title(targets: Tensor, guesses: Tensor, samples: str) -> str:
    """Returns how many guesses are right, such as `93.21% of 10,000 test images are right`.

    Args:
        targets: Classes, int64 [N].
        guesses: Predicted classes, int64 [N].
        samples: What the samples are called.
    """
    return f"{(targets == guesses).float().mean():.2%} of {len(targets):,} {samples} are right"
