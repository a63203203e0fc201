"""Pictures of a run: learning curves after `fit`; predictions and the confusion matrix after `test`."""

from typing import Any

import torch
from matplotlib.figure import Figure
from PIL import Image
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from callbacks.record import Record

COLUMNS, ROWS = 10, 6  # of predictions.png


class Pictures(Checkpoint):
    """Draws `curves.png`, `predictions.png` and `confusion.png` into the run's folder.

    (Its base class makes Lightning call it after Record, whose rows it draws.)
    """

    def __init__(self) -> None:
        self._outcomes: list[tuple[Tensor, Tensor, Tensor]] = []

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws the learning curves."""
        record = next(callback for callback in trainer.callbacks if isinstance(callback, Record))
        if record.rows:
            _save(trainer, "curves.png", draw_curves(record.rows))

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
        """Keeps place, class and best guess of each image."""
        probability, guess = outputs.max(1)
        self._outcomes.append((batch.index.cpu(), guess.cpu(), probability.cpu()))

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws what the model gets right and wrong."""
        outcomes = [self._outcomes]
        if trainer.world_size > 1:
            outcomes = [[]] * trainer.world_size
            torch.distributed.all_gather_object(outcomes, self._outcomes)
        batches = [batch for rank in outcomes for batch in rank]
        index, guesses, probabilities = (torch.cat(parts) for parts in zip(*batches, strict=True))
        data = trainer.datamodule
        test = data.splits["test"]
        targets = test.targets[index]
        _save(trainer, "confusion.png", draw_confusion(targets, guesses, data.class_names))
        # in file order, so that the same images come up in every run
        order = index.argsort()[: COLUMNS * ROWS]
        images = test.images[index[order]]
        _save(
            trainer,
            "predictions.png",
            draw_predictions(images, targets[order], guesses[order], probabilities[order], data.class_names),
        )


def _save(trainer: Trainer, name: str, figure: Figure) -> None:
    if trainer.run_folder is None or not trainer.is_global_zero:
        return
    path = trainer.run_folder.path / name
    figure.savefig(path)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image(name.removesuffix(".png"), [str(path)])


def draw_curves(rows: list[dict[str, str]]) -> Figure:
    """Draws loss, accuracy and learning rate by epoch.

    Args:
        rows: The rows of metrics.csv.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(12, 3.6), dpi=120, layout="constrained")
    for axes, (title, columns) in zip(
        figure.subplots(1, 3),
        {
            "loss (nats)": ["train/loss", "val/loss"],
            "accuracy (%)": ["train/acc", "val/acc"],
            "learning rate at the epoch's end": ["lr"],
        }.items(),
        strict=True,
    ):
        scale = 100 if "%" in title else 1
        for column, colour in zip(columns, ("tab:blue", "tab:orange"), strict=False):
            points = [(int(row["epoch"]) + 1, float(row[column]) * scale) for row in rows if row.get(column)]
            if points:
                axes.plot(*zip(*points, strict=True), ".-", color=colour, label=column)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        if len(columns) > 1:
            axes.legend()
    return figure


def draw_confusion(targets: Tensor, guesses: Tensor, class_names: tuple[str, ...]) -> Figure:
    """Draws how often each class is taken for each.

    Args:
        targets: Classes, int64 [N].
        guesses: What the model takes them for, int64 [N].
        class_names: Names of the classes.

    Returns:
        The figure.
    """
    k = len(class_names)
    counts = torch.bincount(targets * k + guesses, minlength=k * k).view(k, k)
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    figure = Figure(figsize=(1.5 + 0.7 * k, 1.2 + 0.65 * k), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row in range(k):
        for column in range(k):
            if counts[row, column]:
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(k), class_names, rotation=45, ha="right")
    axes.set_yticks(range(k), class_names)
    accuracy = counts.diagonal().sum() / counts.sum()
    axes.set(xlabel="predicted", ylabel="true", title=f"{accuracy:.2%} of {len(targets):,} test images are right")
    return figure


def draw_predictions(
    images: Tensor, targets: Tensor, guesses: Tensor, probabilities: Tensor, class_names: tuple[str, ...]
) -> Figure:
    """Draws images with what the model takes them for; wrong guesses in red, with the truth.

    Args:
        images: uint8 [N, H, W, C].
        targets: Classes, int64 [N].
        guesses: What the model takes them for, int64 [N].
        probabilities: How sure it is, [N].
        class_names: Names of the classes.

    Returns:
        The figure.
    """
    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(1.35 * COLUMNS, 1.75 * rows), dpi=120, layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.axis("off")
    for axes, image, target, guess, probability in zip(
        figure.axes, images, targets, guesses, probabilities, strict=False
    ):
        picture = Image.fromarray(image.squeeze(-1).numpy())
        axes.imshow(picture, cmap="gray", interpolation="nearest")
        right = target == guess
        truth = "" if right else f"\nis {class_names[target]}"
        title = f"{class_names[guess]} {probability:.0%}{truth}"
        axes.set_title(title, fontsize=8, color="black" if right else "tab:red")
    return figure
