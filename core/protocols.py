"""Properties that models and data sets of several kinds share, as protocols that `isinstance` can check."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class LoadsTorchvision(Protocol):
    """A network that can be given the weights of torchvision's same network."""

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights under this network's names."""
