"""Predictions as tables, which `predict` prints and writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

TEXT = ".txt"  # ending of files of predictions; that of tables is in core/files/outputs.py
EXCERPT = 60  # characters of a text that are printed

Display = Literal["whole", "excerpts", "last_column"]


@dataclass(frozen=True)
class PredictionTable:
    """Predictions, one row each.

    Attributes:
        header: Names of the columns.
        rows: One cell for each column.
        display: How `predict` prints it; a file holds the complete table. `whole`: every cell. `excerpts`: only the
            beginning of the first column, for texts. `last_column`: only the last column, with line breaks, for longer
            texts.
        shown_columns: How many columns `predict` prints; all if not given.
        forms: Other forms than CSV in which it can be written, by the ending of the file's name.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    display: Display = "whole"
    shown_columns: int | None = None
    forms: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)


def classified(
    what: str, names: Sequence[str], probabilities: Tensor, class_names: Sequence[str], display: Display = "whole"
) -> PredictionTable:
    """Returns a table of the two most probable classes of each sample.

    Args:
        what: Header of the first column, such as `file`.
        names: Name of each sample, or its text.
        probabilities: [N, K].
        class_names: K names.
        display: How `predict` prints the table.
    """
    best, order = probabilities.topk(2)
    rows = [
        (name, class_names[first], f"{p:.4f}", class_names[second], f"{q:.4f}")
        for name, (first, second), (p, q) in zip(names, order.tolist(), best.tolist(), strict=True)
    ]
    return PredictionTable((what, "class", "probability", "runner-up", "its probability"), rows, display)


def as_lines(texts: Iterable[str]) -> bytes:
    """Returns texts as a file with one a line, in which line ends within a text are blanks."""
    return "".join(f"{' '.join(text.splitlines())}\n" for text in texts).encode()


def as_paragraphs(texts: Iterable[str]) -> bytes:
    """Returns longer texts as a file, as they are, with an empty line between two."""
    return "\n\n".join(text.removesuffix("\n") for text in texts).encode() + b"\n"


def excerpt(text: str, length: int = EXCERPT) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
