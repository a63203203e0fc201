"""Prints and writes the predictions of `predict`."""

import csv
from pathlib import Path
from typing import Any

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
    if table.display == "last_column":
        for row in table.rows[:SHOWN]:
            print_line(f"{row[-1]}\n")
    else:
        first = excerpt if table.display == "excerpts" else str
        shown = [tuple(table.header), *((first(row[0]), *row[1:]) for row in table.rows[:SHOWN])]
        widths = [max(len(row[column]) for row in shown) for column in range(len(table.header))]
        for row in shown:
            print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(table.rows) > SHOWN:
        print_line(f"... and {len(table.rows) - SHOWN:,} more{'' if output else '; --output FILE.csv writes all'}")
    if output:
        try:
            with open(output, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([table.header, *table.rows])
        except OSError as error:
            raise InputError(f"--output {output}: cannot be written ({error.strerror})") from error
        print_line(f"{len(table.rows):,} predictions written to {Path(output).resolve()}")


def general_table(outputs: Any, model: str, names: list[str] | None = None) -> Table:
    """Returns predictions of a model or a data set of another package: a row of numbers for each sample.

    Args:
        outputs: What `predict_step` returned for each batch, a tensor [B] or [B, K]; a list of these for each loader.
        model: Name of the model, for the message.
        names: Names of the samples; their places if not given.

    Raises:
        InputError: The model returns something else.
    """
    if outputs and isinstance(outputs[0], list):  # of several loaders
        outputs = [batch for loader in outputs for batch in loader]
    if not outputs or not all(isinstance(batch, Tensor) and batch.ndim > 0 for batch in outputs):
        kind = type(outputs[0]).__name__ if outputs else "nothing"
        raise InputError(f"{model}.predict_step returns {kind}; predict shows tensors [B] or [B, K], a row a sample")
    rows = torch.cat([batch.flatten(1) if batch.ndim > 1 else batch[:, None] for batch in outputs])
    numbers = [[str(value) if isinstance(value, int) else f"{value:.6g}" for value in row] for row in rows.tolist()]
    header = ["sample", *(f"output {place}" for place in range(rows.shape[1]))]
    names = names or [str(place) for place in range(len(numbers))]
    return Table(header, [(name, *row) for name, row in zip(names, numbers, strict=True)])


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
