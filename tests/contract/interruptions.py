"""What ends a run of the command at a chosen step, as a callback that its config names."""

import shutil
from typing import Any, ClassVar

from pytorch_lightning import Callback, Trainer


class KilledError(Exception):
    """The end of a process, as far as one process can have it."""


class KilledAt(Callback):
    """Ends a run in the middle of a step, before anything of it is saved; a test sets which.

    Attributes:
        step: The step.
        copied: Steps in whose middle the run's folder is copied to `<folder>-<step>`: that is what a kill would leave.
    """

    step: ClassVar[int | None] = None
    copied: ClassVar[tuple[int, ...]] = ()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Raises at the step."""
        if trainer.optimizer_steps in self.copied:
            shutil.copytree(trainer.run_folder.path, f"{trainer.run_folder.path}-{trainer.optimizer_steps}")
        if trainer.optimizer_steps == self.step:
            raise KilledError
