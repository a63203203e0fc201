"""What `predict` prints and writes."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from core.console import print_line
from core.errors import InputError
from core.predictions import Table, excerpt

SHOWN = 40  # rows on the screen; a file gets all


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
            print_line(f"{row[-1]}\n")
    else:
        first = excerpt if table.kind == "texts" else str
        shown = [tuple(table.header), *((first(row[0]), *row[1:]) for row in table.rows[:SHOWN])]
        widths = [max(len(row[column]) for row in shown) for column in range(len(table.header))]
        for row in shown:
            print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(table.rows) > SHOWN:
        print_line(f"... and {len(table.rows) - SHOWN:,} more; --output FILE.csv writes all")
    if output:
        try:
            with open(output, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([table.header, *table.rows])
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written ({error.strerror})") from error
        print_line(f"{len(table.rows):,} predictions written to {Path(output).resolve()}")


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
