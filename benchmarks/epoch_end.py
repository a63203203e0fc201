"""How long the end of an epoch takes."""

import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from pytorch_lightning import Callback

from benchmarks.measure import ROOT, on_a_terminal
from datamodules.images.image_data_module import ImageDataModule
from engine.trainer import Trainer
from lightning_modules.tasks.image_classifier import ImageClassifier

EPOCHS = 6  # whose ends are timed


class Ends(Callback):
    """Notes how long the end of each epoch takes, from its last batch to the next epoch's start, in milliseconds."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self._ended: float | None = None

    def on_train_batch_end(self, *_: Any) -> None:
        """Notes the time."""
        self._ended = time.perf_counter()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Notes what has passed since the last batch."""
        if self._ended is not None:
            self.taken.append(1e3 * (time.perf_counter() - self._ended))


def epoch_end(network: Callable[[], ImageClassifier], data: ImageDataModule, saves: bool) -> float:
    """Returns how long the end of an epoch without validation takes, in milliseconds."""
    ends = Ends()
    with tempfile.TemporaryDirectory(dir=ROOT) as folder, on_a_terminal():  # not in memory, as /tmp can be
        trainer = Trainer(
            max_epochs=EPOCHS,
            limit_train_batches=1,
            limit_val_batches=0,
            precision="32-true",
            accelerator="cpu",
            devices=1,
            callbacks=[ends],
            enable_checkpointing=saves,
            default_root_dir=folder,
        )
        trainer.fit(network(), data)
    return statistics.median(ends.taken)
