"""What ends a run of the command at a chosen step, as a callback that its config names."""

from typing import Any, ClassVar

from pytorch_lightning import Callback, Trainer


class KilledError(Exception):
    """The end of a process, as far as one process can have it."""


class KilledAt(Callback):
    """Ends a run in the middle of a step, before anything of it is saved; a test sets which."""

    step: ClassVar[int | None] = None

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Raises at the step."""
        if trainer.optimizer_steps == self.step:
            raise KilledError
