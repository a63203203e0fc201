"""Properties that models and data sets of several kinds share, as protocols that `isinstance` can check."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class LoadsTorchvision(Protocol):
    """A network that can be given the weights of torchvision's same network."""

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns torchvision's weights under this network's names."""


@runtime_checkable
class NamesLosses(Protocol):
    """A model that computes the named losses of a batch, without updating anything."""

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Returns the losses of a batch by name; `training_step` says which of them are minimised."""


@runtime_checkable
class CarriesState(Protocol):
    """A model that carries something from one batch over to the next, such as the state of a recurrent network.

    A step replaces `carried`, and never changes it in place.
    """

    carried: Any


@runtime_checkable
class StartsFromSamples(Protocol):
    """A layer whose first values follow from training samples."""

    def initialize_from(self, samples: Tensor) -> None:
        """Sets the layer's values, unless a checkpoint has set them."""


@runtime_checkable
class StartsFromCounts(Protocol):
    """A layer whose first values follow from how many documents of each class hold each symbol."""

    def initialize_from_counts(self, counts: Tensor) -> None:
        """Sets the layer's values, unless a checkpoint has set them."""


@runtime_checkable
class GivesSamples(Protocol):
    """A data set that gives training samples to layers that start from them."""

    def sample(self, count: int) -> Tensor:
        """Returns samples as the network receives them."""


@runtime_checkable
class CountsDocuments(Protocol):
    """A data set of documents that counts the symbols in them."""

    def document_counts(self) -> Tensor:
        """Returns how many documents of each class hold each symbol of the vocabulary."""
