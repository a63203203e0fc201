"""Media after `test`: confusion matrix, predictions, decision surface, and what models and data modules make."""

from collections.abc import Iterator
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from callbacks.description import classifies
from callbacks.media.captions import caption_media
from callbacks.media.confusion import draw_confusion
from callbacks.media.decision_surface import decision_surface
from callbacks.media.example_table import example_table
from callbacks.media.isolation import making_media, media_of
from callbacks.media.predicted_images import COLUMNS, ROWS, draw_predictions
from callbacks.media.sink import write_media
from callbacks.record import Record
from core.media import Figure, Medium
from core.processes.peers import gathered
from core.protocols.general import HasExamples, HasPoints, MakesMediaAfterTest
from core.protocols.pictures import HasImages

Batch = tuple[Tensor, Tensor, Tensor, Tensor]  # of each sample: place, class, predicted class, its probability
Examples = dict[int, tuple[int, Tensor]]  # class and probabilities by place


class TestMedia(Checkpoint):
    """Draws `confusion.png` and `predictions.png` of a classifier's test, and writes `predictions.csv` of its texts.

    Where the samples are points in the plane, `decision_surface.png` takes the place of `predictions.png`.
    """

    __test__ = False  # its name makes pytest take it for a test

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._examples: Examples = {}

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets an earlier test."""
        self._batches, self._examples = [], {}
        self._classifies = classifies(trainer, pl_module)
        self._shown = trainer.datamodule.examples if isinstance(trainer.datamodule, HasExamples) else {}

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps what is predicted of each sample."""
        if not self._classifies:
            return
        probabilities, guesses = outputs.max(1)
        self._batches.append((batch.index.cpu(), batch.targets.cpu(), guesses.cpu(), probabilities.cpu()))
        if self._shown:
            for row, place in enumerate(batch.index.tolist()):
                if place in self._shown:
                    self._examples[place] = int(batch.targets[row]), outputs[row].cpu()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the media."""
        ranks = gathered((self._batches, self._examples), trainer.world_size if self._classifies else 1)
        if trainer.is_global_zero and (trainer.run_folder is not None or trainer.loggers):
            batches = [batch for rank, _ in ranks for batch in rank]
            examples = {place: outcome for _, rank in ranks for place, outcome in rank.items()}
            with making_media(trainer, pl_module):
                media = list(_media(trainer, pl_module, batches, examples))
            write_media(trainer, media)


def measured_step(trainer: Trainer) -> int:
    """Returns the step of the weights that are measured, as loggers get it with the figures; 0 without training."""
    place = trainer.builtin(Record).measured_at(trainer)
    return 0 if place is None else place[1]


def _media(trainer: Trainer, pl_module: LightningModule, batches: list[Batch], examples: Examples) -> Iterator[Medium]:
    data, step = trainer.datamodule, measured_step(trainer)
    if batches:
        index, targets, guesses, probabilities = (torch.cat(parts) for parts in zip(*batches, strict=True))
        order = index.argsort()  # in file order, so that every run shows the same images
        index, targets, guesses, probabilities = (values[order] for values in (index, targets, guesses, probabilities))
        figure = draw_confusion(targets, guesses, data.class_names, f"test {data.unit}")
        yield Figure(name="confusion", step=step, figure=figure)
        if isinstance(data, HasPoints):
            yield Figure(name="decision_surface", step=step, figure=decision_surface(pl_module, data, "test"))
        elif isinstance(data, HasImages):
            n = COLUMNS * ROWS
            images = data.images_of("test", index[:n])
            figure = draw_predictions(images, targets[:n], guesses[:n], probabilities[:n], data.class_names)
            yield Figure(name="predictions", step=step, figure=figure)
    if examples:
        yield example_table(data, examples, step)
    yield from caption_media(pl_module, data, step, "test")
    for maker in (pl_module, data):
        if isinstance(maker, MakesMediaAfterTest):
            yield from media_of(maker, "media_after_test", step)
