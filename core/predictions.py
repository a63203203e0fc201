"""What `predict` returns: a table of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

EXCERPT = 60  # letters of a text on the screen


@dataclass(frozen=True)
class Table:
    """Predictions, a row each.

    Attributes:
        header: What the columns are called.
        rows: One cell a column.
        kind: `files` are named in the first column, which is shown in full; `texts` stand there, and are shown in part;
            `prose` is shown as it stands, its last column alone.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    kind: str = "files"


def classified(
    what: str, names: Sequence[str], probabilities: Tensor, class_names: Sequence[str], kind: str = "files"
) -> Table:
    """Returns a table of the two likeliest classes of each sample.

    Args:
        what: What the samples are called.
        names: What each prediction is about.
        probabilities: [N, K].
        class_names: K names.
        kind: How names are shown.
    """
    best, order = probabilities.topk(2)
    rows = [
        (name, class_names[first], f"{p:.4f}", class_names[second], f"{q:.4f}")
        for name, (first, second), (p, q) in zip(names, order.tolist(), best.tolist(), strict=True)
    ]
    return Table((what, "class", "probability", "runner-up", "its probability"), rows, kind)


def excerpt(text: str, length: int = EXCERPT) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
