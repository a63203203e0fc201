"""What `predict` prints and writes."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import InputError
from engine.say import say

SHOWN = 40  # rows on the screen; a file gets all
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


def report(table: Table, output: str | None) -> None:
    """Prints a table of predictions, and writes it to a CSV file if asked to.

    Args:
        table: The predictions.
        output: The CSV file.

    Raises:
        InputError: The file cannot be written.
    """
    if table.kind == "prose":
        for row in table.rows[:SHOWN]:
            say(f"{row[-1]}\n")
    else:
        first = excerpt if table.kind == "texts" else str
        shown = [tuple(table.header), *((first(row[0]), *row[1:]) for row in table.rows[:SHOWN])]
        widths = [max(len(row[column]) for row in shown) for column in range(len(table.header))]
        for row in shown:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(table.rows) > SHOWN:
        say(f"... and {len(table.rows) - SHOWN:,} more; --output FILE.csv writes all")
    if output:
        try:
            with open(output, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([table.header, *table.rows])
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written ({error.strerror})") from error
        say(f"{len(table.rows):,} predictions written to {Path(output).resolve()}")


def excerpt(text: str, length: int = EXCERPT) -> str:
    """Returns the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def gather(outputs: list[Tensor], n: int, world_size: int) -> Tensor:
    """Puts what all ranks have predicted back into order.

    Args:
        outputs: This rank's batches, [B, ...] each.
        n: Number of samples over all ranks.
        world_size: Number of ranks; rank r has samples r, r + world_size, ...

    Returns:
        What was predicted, [n, ...].
    """
    mine = torch.cat(outputs)
    if world_size == 1:
        return mine
    parts: list[Tensor] = [mine] * world_size
    torch.distributed.all_gather_object(parts, mine)
    together = mine.new_empty(n, *mine.shape[1:])
    for rank, part in enumerate(parts):
        together[rank::world_size] = part
    return together
