"""A task that lacks what every task states is refused as it is made: it would train, and its figures mean nothing."""

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from core.measures import Measure
from lightning_modules import VGG
from lightning_modules.tasks.classifier import Classifier
from lightning_modules.tasks.task import Task


class Halved(Task):
    """A task that has forgotten two of its methods."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Returns nothing to learn from."""
        return torch.zeros(())


class Headless(Classifier):
    """A classifier without logits."""


class Single(VGG):
    """The comma is forgotten."""

    measures = Measure("ece", "min")


class Paired(VGG):
    """A pair in place of a measure."""

    measures = (*VGG.measures, ("ece", "min"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Halved, "^Halved lacks losses and evaluate, which every Task has [(]see lightning_modules.tasks.task[)]$"),
        (Headless, "^Headless lacks logits, which every Classifier has"),
    ],
)
def test_methods_that_every_task_of_a_kind_has(kind: type[Task], said: str) -> None:
    with pytest.raises(InputError, match=said):
        kind()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Single, "^Single.measures is a Measure, and no tuple; write measures = [(]Measure"),
        (Paired, "^Paired.measures holds [(]'ece', 'min'[)], which is no Measure; write measures = [(]Measure"),
    ],
)
def test_measures_are_a_tuple_of_measures(kind: type[VGG], said: str) -> None:
    """Others were skipped, and less of what they name counted as better."""
    with pytest.raises(InputError, match=said):
        kind(num_classes=2, image_size=16, widths=[8], convolutions=[1])
