"""Media that a run makes for people: images, plots, tables, texts and sound, independent of where they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

GAP = 2  # black pixels between the images of a grid


@dataclass(frozen=True, kw_only=True)
class Medium:
    """Base of all media.

    Attributes:
        name: Name of the file without its extension, and key in TensorBoard and Weights & Biases.
        step: Number of optimizer steps before it was made.
        tag: Key in TensorBoard; the name if empty.
    """

    name: str
    step: int
    tag: str = ""


@dataclass(frozen=True, kw_only=True)
class Image(Medium):
    """One image.

    Attributes:
        pixels: uint8 [H, W, C], with 1 or 3 channels.
    """

    pixels: Tensor


@dataclass(frozen=True, kw_only=True)
class Grid(Medium):
    """Images of one size, shown in a grid, row by row.

    Attributes:
        images: uint8 [N, H, W, C], with 1 or 3 channels and at least one image.
        columns: Number of images in a row.
    """

    images: Tensor
    columns: int = 8

    @property
    def pixels(self) -> Tensor:
        """The grid as one image, uint8 [H', W', C]."""
        n, height, width, channels = self.images.shape
        columns = min(self.columns, n)
        rows = -(-n // columns)
        cells = torch.zeros(rows * columns, height + GAP, width + GAP, channels, dtype=torch.uint8)
        cells[:n, :height, :width] = self.images
        table = cells.view(rows, columns, height + GAP, width + GAP, channels).transpose(1, 2)
        return table.reshape(rows * (height + GAP), columns * (width + GAP), channels)[:-GAP, :-GAP]


@dataclass(frozen=True, kw_only=True)
class Figure(Medium):
    """A plot.

    Attributes:
        figure: The matplotlib figure.
    """

    figure: "MatplotlibFigure"


@dataclass(frozen=True, kw_only=True)
class Table(Medium):
    """A table.

    Attributes:
        header: Names of the columns.
        rows: One cell for each column, texts or numbers; None where there is none.

    Raises:
        TypeError: A cell is something else, such as a tensor, which no file shows as a number.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __post_init__(self) -> None:
        others = (type(cell).__name__ for row in self.rows for cell in row if not isinstance(cell, str | Number | None))
        if (other := next(others, None)) is not None:
            raise TypeError(
                f"a cell of the table {self.name!r} is a {other}; give a text, or a number (item() of a tensor)"
            )


@dataclass(frozen=True, kw_only=True)
class Text(Medium):
    """A text, with the texts of the same name from earlier epochs.

    Attributes:
        text: The text.
        epoch: Epoch after which it was made, from 0; None outside training.
        earlier: Epochs and their texts.
    """

    text: str
    epoch: int | None = None
    earlier: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Embedding(Medium):
    """Vectors and what they are of, for TensorBoard's projector.

    Attributes:
        vectors: float32 [N, D].
        labels: N names.
    """

    vectors: Tensor
    labels: Sequence[str]


@dataclass(frozen=True)
class Histogram:
    """How the values of a tensor are spread.

    Attributes:
        counts: How many values are in each bin, float64 [N].
        edges: Ends of the bins, float64 [N + 1].
        mean: Mean of the values.
        deviation: Their standard deviation.
        least: The least of them.
        largest: The largest.
        zeros: Which share of them is 0.
    """

    counts: Tensor
    edges: Tensor
    mean: float
    deviation: float
    least: float
    largest: float
    zeros: float


@dataclass(frozen=True, kw_only=True)
class Histograms(Medium):
    """How the values of several tensors are spread.

    Attributes:
        histograms: By name of the tensor, such as `weights/stages.0.0.weight`.
    """

    histograms: Mapping[str, Histogram]


@dataclass(frozen=True)
class Operation:
    """One operation in a network's graph.

    Attributes:
        name: Its name, behind the names of the modules that it is in, divided by slashes.
        kind: What it is, such as `conv2d`, `parameter` or `input`.
        inputs: Names of the operations whose results it takes.
        shape: Shape of its first result.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Graph(Medium):
    """What a network computes, for TensorBoard's graphs.

    Attributes:
        operations: The operations, each behind those that it takes its inputs from.
    """

    operations: Sequence[Operation]


@dataclass(frozen=True, kw_only=True)
class Audio(Medium):
    """Sound.

    Attributes:
        samples: Amplitudes from -1 to 1, float32 [L], or [C, L] of several channels.
        rate: Sampling rate in samples per second.
    """

    samples: Tensor
    rate: int


@dataclass(frozen=True, kw_only=True)
class File(Medium):
    """A file of another form, such as MIDI, which goes into the run's folder alone.

    Attributes:
        ending: Ending of its name, such as `.mid`.
        content: What is in it.
    """

    ending: str
    content: bytes


def to_pixels(images: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Converts a network's images to pixels, uint8 [N, H, W, C] on the CPU.

    Args:
        images: Float [N, C, H, W].
        low: Value that becomes 0.
        high: Value that becomes 255.
    """
    scaled = (images.detach().float().cpu() - low) / (high - low)
    return (scaled.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
