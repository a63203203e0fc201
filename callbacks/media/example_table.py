"""A table of test texts with the classes that a model predicts."""

from collections.abc import Mapping

import torch
from torch import Tensor

from core.media import Table
from core.predictions import classified, excerpt
from core.protocols.general import HasExamples

LENGTH = 300  # letters of a text in the table


def example_table(data: HasExamples, outcomes: Mapping[int, tuple[int, Tensor]], step: int) -> Table:
    """Returns a row for every example, by its place in the test set.

    Args:
        data: Has the texts.
        outcomes: True class and probabilities [K] of each example by its place.
        step: Optimizer steps of the model.
    """
    places = sorted(outcomes)
    texts = [excerpt(data.examples[place], LENGTH) for place in places]
    table = classified("text", texts, torch.stack([outcomes[place][1] for place in places]), data.class_names)
    truths = [data.class_names[outcomes[place][0]] for place in places]
    rows = [[row[0], truth, *row[1:]] for row, truth in zip(table.rows, truths, strict=True)]
    return Table(name="predictions", step=step, header=["text", "truth", *table.header[1:]], rows=rows)
