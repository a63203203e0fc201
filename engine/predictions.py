"""What `predict` prints and writes."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import InputError
from engine.say import say

SHOWN = 40  # rows on the screen; a file gets all


def report(names: list[str], probabilities: Tensor, class_names: tuple[str, ...], output: str | None) -> None:
    """Prints a table of predictions, and writes it to a CSV file if asked to.

    Args:
        names: What each prediction is about.
        probabilities: [N, K].
        class_names: K names.
        output: The CSV file.

    Raises:
        InputError: The file cannot be written.
    """
    best, order = probabilities.topk(2)
    rows = [
        (name, class_names[first], f"{p:.4f}", class_names[second], f"{q:.4f}")
        for name, (first, second), (p, q) in zip(names, order.tolist(), best.tolist(), strict=True)
    ]
    header = ("file", "class", "probability", "runner-up", "its probability")
    shown = [header, *rows[:SHOWN]]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    for row in shown:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN:,} more; --output FILE.csv writes all")
    if output:
        try:
            with open(output, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows])
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written ({error.strerror})") from error
        say(f"{len(rows):,} predictions written to {Path(output).resolve()}")


def gather(outputs: list[Tensor], n: int, world_size: int) -> Tensor:
    """Puts the probabilities of all ranks back into order.

    Args:
        outputs: This rank's batches, [B, K] each.
        n: Number of images over all ranks.
        world_size: Number of ranks; rank r has images r, r + world_size, ...

    Returns:
        Probabilities [n, K].
    """
    mine = torch.cat(outputs)
    if world_size == 1:
        return mine
    parts: list[Tensor] = [mine] * world_size
    torch.distributed.all_gather_object(parts, mine)
    together = mine.new_empty(n, mine.shape[1])
    for rank, part in enumerate(parts):
        together[rank::world_size] = part
    return together
