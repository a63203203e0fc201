"""Protocols of what general code needs from models and data modules, which it checks with `isinstance`.

A model or a data module implements a protocol by having its methods and attributes, without deriving from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.media import Medium


@runtime_checkable
class LoadsTorchvision(Protocol):
    """A network that can load torchvision's weights of the same architecture."""

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Renames torchvision's weights to this network's names."""


@runtime_checkable
class NamesLosses(Protocol):
    """A model that computes the named losses of a batch, without changing any state."""

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Returns the losses of a batch by name; `training_step` chooses which of them to minimise."""


@runtime_checkable
class KeepsLogits(Protocol):
    """A classifier that keeps the logits of its last training batch, float32 [B, K], without gradients."""

    trained_logits: Tensor | None


@runtime_checkable
class CarriesState(Protocol):
    """A model with state that is carried from one batch to the next, such as that of a recurrent network.

    A training step replaces `carried`, and never changes it in place.
    """

    carried: Any


@runtime_checkable
class StartsFromSamples(Protocol):
    """A layer that is initialized from training samples."""

    def initialize_from(self, samples: Tensor) -> None:
        """Sets the layer's values, unless a checkpoint has set them."""


@runtime_checkable
class StartsFromCounts(Protocol):
    """A layer that is initialized from the number of documents of each class that contain each symbol."""

    def initialize_from_counts(self, counts: Tensor) -> None:
        """Sets the layer's values, unless a checkpoint has set them."""


@runtime_checkable
class StartsFromWords(Protocol):
    """A layer of which some rows can start from vectors of words that were learned before."""

    def start_from_source(self, symbols: Sequence[str]) -> str | None:
        """Takes the vectors of its source for the words of its rows; says in words how many, None without a source."""

    def take_vectors(self, symbols: Sequence[str], found: Any, where: str) -> int:
        """Takes vectors (`datamodules.words.vector_files`) for the words of its rows; returns how many it has taken."""


@runtime_checkable
class GivesSamples(Protocol):
    """A data set that returns some of its training samples, in the form that its model receives."""

    def sample(self, count: int) -> Tensor:
        """Returns up to `count` samples."""


@runtime_checkable
class GivesFirst(Protocol):
    """A batch whose samples depend on each other, so that it divides itself."""

    def first(self, count: int) -> Any:
        """Returns a batch of its first samples."""


@runtime_checkable
class CountsDocuments(Protocol):
    """A data set of documents that counts the symbols in them."""

    def document_counts(self) -> Tensor:
        """Returns how many documents of each class contain each symbol of the vocabulary, float32 [V, K]."""


# Models and data modules that make media themselves. The methods are called on the first process alone, with the model
# in evaluation mode and without gradients; drawing from `rng` does not affect training.


@runtime_checkable
class MakesMediaAfterEpoch(Protocol):
    """A model or a data module that makes media after every epoch, such as a grid of generated images."""

    def media_after_epoch(self, step: int, rng: torch.Generator) -> Iterable[Medium]:
        """Returns media.

        Args:
            step: Optimizer steps so far.
            rng: Random generator on the CPU, seeded by the run's seed and the epoch.
        """


@runtime_checkable
class MakesMediaAfterFit(Protocol):
    """A model or a data module that makes media at the end of training."""

    def media_after_fit(self, step: int) -> Iterable[Medium]:
        """Returns media, after so many optimizer steps."""


@runtime_checkable
class MakesMediaAfterTest(Protocol):
    """A model or a data module that makes media at the end of a test."""

    def media_after_test(self, step: int) -> Iterable[Medium]:
        """Returns media, after so many optimizer steps."""


# What the built-in media need.


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
class ReadsDocuments(Protocol):
    """A data module of documents, which can be read again as they are, in the order of its parts."""

    def split_texts(self) -> tuple[dict[str, list[str]], Any]:
        """Returns the texts of each part, and their classes."""


@runtime_checkable
class HasPoints(Protocol):
    """A data module whose samples are points in the plane, of two classes."""

    class_names: tuple[str, ...]
    unit: str
    eval_batch_size: int

    def points_of(self, part: str) -> tuple[Tensor, Tensor]:
        """Returns the points of a part, float32 [N, 2], and their classes, int64 [N]."""

    def point_inputs(self, points: Tensor) -> Tensor:
        """Returns the network's inputs for points [N, 2]."""


@runtime_checkable
class HasExamples(Protocol):
    """A data module that keeps the texts of some test samples, by their indices in the test set."""

    class_names: tuple[str, ...]
    examples: Mapping[int, str]


@runtime_checkable
class AsksAboutWords(Protocol):
    """A data module of a text by words, with files of questions that word vectors are measured by."""

    symbols: tuple[str, ...]  # all words, by number
    training_counts: Tensor  # how often each is read in an epoch, on average, [V]; empty where no text is read

    def test_names(self, part: str) -> tuple[str, ...]:
        """Returns the names of the files of `val` or `test`."""


@runtime_checkable
class ComposesWords(Protocol):
    """A model of words that may have vectors for any word, by its parts."""

    composes_words: bool  # whether it has them


@runtime_checkable
class HasGradientNorms(Protocol):
    """A recurrent model that measures how strongly its prediction depends on earlier inputs."""

    def gradient_norms(self, inputs: Tensor) -> Tensor:
        """Returns the norm of the gradient by distance in time, float32 [T], of samples of the data module."""


# What other callbacks need.


@runtime_checkable
class SignsMeasures(Protocol):
    """A model with measures whose values depend on how they are computed, such as a tokenization."""

    def signatures(self) -> dict[str, str]:
        """Returns by measure what its value depends on."""


@runtime_checkable
class HasViews(Protocol):
    """A model that averages its predictions over several views of each image."""

    views: Callable[[Tensor], list[tuple[float, Tensor]]] | None


@runtime_checkable
class HasRunningFigures(Protocol):
    """A model that computes its measures over the epoch so far."""

    def running_figures(self) -> dict[str, float]:
        """Returns values by measure, on this device alone; synchronizes with the device."""


@runtime_checkable
class ScalesLosses(Protocol):
    """A precision plugin that scales losses, so that float16 gradients do not underflow."""

    scaler: Any  # None if it does not scale


@runtime_checkable
class TakesNamedBatches(Protocol):
    """A model that reads the named fields of this project's batches, whose images may be laid out channels last."""

    takes_named_batches: bool


@runtime_checkable
class LacksFormats(Protocol):
    """A model that cannot be computed in some number formats, named as `Trainer.precision` names them."""

    lacking_formats: tuple[str, ...]


@runtime_checkable
class ShrinksSamples(Protocol):
    """A data module whose training samples may be smaller in some epochs."""

    def shrunk_by(self) -> str | None:
        """Returns the option that has made the training samples of this epoch smaller; None if they are whole."""
