"""What a trained network is to other programs: a module from raw inputs to named outputs; and who states it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

# What a network does: classes of pictures or of documents, the next symbol of a text, pictures of noise or of pictures.
Kind = Literal["pictures", "documents", "symbols", "noise", "paintings"]


@dataclass(frozen=True)
class Slot:
    """An input or an output of an exported network.

    Attributes:
        name: Its name.
        axes: Size of each dimension; a name in place of a size that may be any.
        words: What it holds, for whoever uses the network.
    """

    name: str
    axes: tuple[int | str, ...]
    words: str

    @property
    def dynamic(self) -> dict[int, str]:
        """Names of the dimensions that may have any size, by place."""
        return {place: axis for place, axis in enumerate(self.axes) if isinstance(axis, str)}


@dataclass(frozen=True)
class ExportForm:
    """A network as other programs use it: what happens to its inputs is within.

    Attributes:
        kind: What it does.
        network: Takes the inputs in order, and returns the outputs in order as a tuple.
        inputs: What it takes. The first dimension of each is the batch.
        outputs: What it returns.
        examples: Makes inputs for so many samples, with which an exported file is compared with the network.
        facts: What else a user needs, such as names of classes: plain values by name.
        start: The last inputs of one text's first step, where a text is read symbol by symbol: its state at first.
    """

    kind: Kind
    network: nn.Module
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    examples: Callable[[int, torch.Generator], tuple[Tensor, ...]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    start: tuple[Tensor, ...] = ()


@runtime_checkable
class HasExportForm(Protocol):
    """A model that can be used without this project."""

    def export_form(self, data: Any) -> ExportForm:
        """Returns what it is without this project, in evaluation mode.

        Args:
            data: Its data module, which need not be loaded.

        Raises:
            InputError: It cannot be used without this project, for a reason that the message states.
        """


@runtime_checkable
class PreparesInputs(Protocol):
    """A data module whose samples are prepared batch by batch, on the device, as an exported network does it itself."""

    unit: str

    def example_inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Returns n samples at random as they are before they are prepared, [n, ...]."""

    def prepare(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        """Returns what the network receives of samples; `draws` is empty outside training."""


@runtime_checkable
class StatesVocabulary(Protocol):
    """A data module of texts, whose symbols have numbers."""

    vocab_size: int

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the symbols by number, and how texts become symbols, as plain values."""
