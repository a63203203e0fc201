"""Time of the processor that a run takes to train."""

import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback


class TrainingTime(Callback):
    """Adds a line to a file after training: its seconds of the processor.

    They go from the start of the first step to the end of the last one, or of the validation after it.

    Args:
        path: The file, which runs in several processes may share.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._began: float | None = None
        self._ended = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Takes the time before the first step."""
        if self._began is None:
            self._began = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """Takes the time after a step."""
        self._ended = time.process_time()

    def on_validation_batch_end(self, *_: Any) -> None:
        """Takes the time after a step of validation."""
        self._ended = time.process_time()

    def on_train_end(self, *_: Any) -> None:
        """Writes the line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self._ended - (self._began or 0.0)}\n")
