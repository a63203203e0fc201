"""What general code asks of models and data modules, as protocols that `isinstance` checks.

A model or a data module implements a protocol by having its methods and attributes; it derives from nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.media import Medium


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
    """A data set that gives some of its training samples, as its model receives them."""

    def sample(self, count: int) -> Tensor:
        """Returns up to so many samples."""


@runtime_checkable
class CountsDocuments(Protocol):
    """A data set of documents that counts the symbols in them."""

    def document_counts(self) -> Tensor:
        """Returns how many documents of each class hold each symbol of the vocabulary."""


# Models and data modules that make media themselves. The methods are called on the first process alone, with the model
# in evaluation mode and without gradients; what they draw from `rng` leaves training as it is.


@runtime_checkable
class MakesMediaAfterEpoch(Protocol):
    """A model or a data module with something to show after every epoch, such as a grid of generated images."""

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterable[Medium]:
        """Returns media.

        Args:
            step: Optimizer steps so far.
            rng: Source of randomness on the CPU, of the run's seed and the epoch.
        """


@runtime_checkable
class MakesMediaAfterFit(Protocol):
    """A model or a data module with something to show when training has ended."""

    def media_after_fit(self, step: int) -> Iterable[Medium]:
        """Returns media, after so many optimizer steps."""


@runtime_checkable
class MakesMediaAfterTest(Protocol):
    """A model or a data module with something to show when a test has ended."""

    def media_after_test(self, step: int) -> Iterable[Medium]:
        """Returns media, after so many optimizer steps."""


# What the built-in media are made of.


@runtime_checkable
class PredictsClasses(Protocol):
    """A model that classifies: its `test_step` returns the probabilities of a batch, float32 [B, K]."""

    def predicted_logits(self, batch: Any) -> Tensor:
        """Returns the logits of a batch, float32 [B, K], as validation, test and prediction use them."""


@runtime_checkable
class HasClasses(Protocol):
    """A data module of classified samples, whose batches have `targets` and `index`, both int64 [B]."""

    class_names: tuple[str, ...]
    unit: str  # name of the samples, such as "images"


@runtime_checkable
class HasImages(Protocol):
    """A data module of images."""

    image_size: int  # height and width

    def images_of(self, part: str, places: Tensor) -> Tensor:
        """Returns images of a part, uint8 [N, H, W, C], by their places int64 [N]."""


@runtime_checkable
class HasPoints(Protocol):
    """A data module whose samples are points in the plane, of two classes."""

    class_names: tuple[str, ...]
    unit: str
    eval_batch_size: int

    def points_of(self, part: str) -> tuple[Tensor, Tensor]:
        """Returns the points of a part, float32 [N, 2], and their classes, int64 [N]."""

    def point_inputs(self, points: Tensor) -> Tensor:
        """Returns what a network is fed for points [N, 2]."""


@runtime_checkable
class HasExamples(Protocol):
    """A data module that keeps the texts of some test samples, by their places in the test set."""

    class_names: tuple[str, ...]
    examples: Mapping[int, str]


@runtime_checkable
class WritesText(Protocol):
    """A model that continues texts."""

    def write(self, prime: Tensor, length: int, rng: torch.Generator) -> Tensor:
        """Returns the next symbols of texts, int64 [B, length].

        Args:
            prime: The beginnings, int64 [B, T].
            length: Number of symbols to write.
            rng: Source of randomness on the CPU.
        """


@runtime_checkable
class HasPrimes(Protocol):
    """A data module of one text, whose beginning a model can continue."""

    vocabulary: Any

    def first_prime(self) -> str:
        """Returns the beginning of the validation text."""

    def decode(self, symbols: Tensor) -> str:
        """Returns the text of symbols [N]."""


@runtime_checkable
class HasGradientNorms(Protocol):
    """A recurrent model that measures how far back in time its prediction depends on its inputs."""

    def gradient_norms(self, inputs: Tensor) -> Tensor:
        """Returns the norm of the gradient by distance in time, float32 [T], of samples of the data module."""


# What else callbacks ask of models.


@runtime_checkable
class HasViews(Protocol):
    """A model that averages its predictions over several views of each image."""

    views: Callable[[Tensor], list[tuple[float, Tensor]]] | None


@runtime_checkable
class HasRunningFigures(Protocol):
    """A model that knows the figures of the epoch so far."""

    def running_figures(self) -> dict[str, float]:
        """Returns the figures by measure on this device alone; waits for it."""


@runtime_checkable
class TakesNamedBatches(Protocol):
    """A model that reads the named fields of this project's batches, whose images may be laid out channels last."""

    takes_named_batches: bool
