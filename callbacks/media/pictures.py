"""Pictures of a run: learning curves after `fit`; predictions and the confusion matrix after `test`."""

from typing import Any

import torch
from matplotlib.figure import Figure
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from callbacks.media.plots import COLUMNS, ROWS, draw_confusion, draw_curves, draw_predictions, draw_surface, plane
from callbacks.record import Record
from core.evaluation_mode import evaluation_mode
from datamodules.images.image_data_module import ImageDataModule


class Pictures(Checkpoint):
    """Draws `curves.png`, `predictions.png` and `confusion.png` into the run's folder.

    Where the images are points in the plane, `decision_surface.png` takes the place of predictions, after `fit` too.

    (Its base class makes Lightning call it after Record, whose rows it draws.)
    """

    def __init__(self) -> None:
        self._outcomes: list[tuple[Tensor, Tensor, Tensor]] = []

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws the learning curves, and what the model has made of the plane."""
        rows = trainer.builtin(Record).rows
        if rows:
            save_picture(trainer, "curves.png", draw_curves(rows))
        if _in_the_plane(trainer.datamodule):
            save_picture(trainer, "decision_surface.png", decision_surface(pl_module, trainer.datamodule, "train"))

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets an earlier test."""
        self._outcomes = []

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps place, class and best guess of each sample."""
        if not hasattr(trainer.datamodule, "class_names"):
            return
        probability, guess = outputs.max(1)
        self._outcomes.append((batch.index.cpu(), guess.cpu(), probability.cpu()))

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws what the model gets right and wrong."""
        if not self._outcomes:
            return
        outcomes = [self._outcomes]
        if trainer.world_size > 1:
            outcomes = [[]] * trainer.world_size
            torch.distributed.all_gather_object(outcomes, self._outcomes)
        batches = [batch for rank in outcomes for batch in rank]
        index, guesses, probabilities = (torch.cat(parts) for parts in zip(*batches, strict=True))
        data = trainer.datamodule
        test = data.splits["test"]
        targets = test.targets[index]
        confusion = draw_confusion(targets, guesses, data.class_names, f"test {data.unit}")
        save_picture(trainer, "confusion.png", confusion)
        if _in_the_plane(data):
            save_picture(trainer, "decision_surface.png", decision_surface(pl_module, data, "test"))
            return
        if not data.is_image:
            return
        # in file order, so that the same images come up in every run
        order = index.argsort()[: COLUMNS * ROWS]
        images = test.images[index[order]]
        save_picture(
            trainer,
            "predictions.png",
            draw_predictions(images, targets[order], guesses[order], probabilities[order], data.class_names),
        )


def decision_surface(model: LightningModule, data: ImageDataModule, part: str) -> Figure:
    """Draws what a model makes of the plane, and the points of one part of the data.

    Args:
        model: Tells two classes of points apart; its mode and device stay as they are.
        data: Has the points.
        part: `train` or `test`.

    Returns:
        The figure.
    """
    split = data.splits[part]
    points = split.images.flatten(1)  # [N, 2]
    logits = _logits(model, data, torch.cat([points, plane()]))
    guesses, surface = logits[: len(points)].argmax(1), logits[len(points) :].softmax(1)[:, 1]
    what = f"{'training' if part == 'train' else part} {data.unit}"
    return draw_surface(surface, points, split.targets, guesses, data.class_names, what)


def _in_the_plane(data: Any) -> bool:
    """Says whether the images of a data set are points in the plane, of two classes."""
    return isinstance(data, ImageDataModule) and (data.image_size, data.in_channels, data.num_classes) == (1, 2, 2)


@torch.no_grad()
def _logits(model: LightningModule, data: ImageDataModule, points: Tensor) -> Tensor:
    """Returns logits, float32 [N, 2] on the CPU, of points [N, 2]."""
    images = data.normalization(points.view(-1, 1, 1, 2)).permute(0, 3, 1, 2)  # [N, 2, 1, 1]
    with evaluation_mode(model):
        batches = (batch.to(model.device, model.dtype) for batch in images.split(data.eval_batch_size))
        return torch.cat([model(batch).float().cpu() for batch in batches])


def save_picture(trainer: Trainer, name: str, figure: Figure) -> None:
    """Saves a figure into the run's folder, and gives it to Weights & Biases."""
    if trainer.run_folder is None or not trainer.is_global_zero:
        return
    path = trainer.run_folder.path / name
    figure.savefig(path)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image(name.removesuffix(".png"), [str(path)])
