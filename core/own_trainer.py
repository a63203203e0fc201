"""Whether a trainer is this project's, whose seed and callbacks some models and all data sets need."""

from typing import Any

from pytorch_lightning import Trainer

from core.errors import InputError

WAY_OUT = "train and measure it with this project's trainer (from engine.trainer import Trainer)"


def refuse_other_trainer(trainer: Any, what: str) -> None:
    """Checks that a trainer is not Lightning's own.

    Args:
        trainer: The trainer.
        what: What needs this project's, for the message.

    Raises:
        InputError: It is Lightning's own.
    """
    if isinstance(trainer, Trainer) and not hasattr(trainer, "seed"):
        raise InputError(f"{what} needs more than Lightning's Trainer: {WAY_OUT}")


def refuse_other_training(trainer: Any, what: str) -> None:
    """Checks that a trainer that is about to train is not Lightning's own.

    Args:
        trainer: The trainer.
        what: What needs this project's, for the message.

    Raises:
        InputError: It is Lightning's own.
    """
    if isinstance(trainer, Trainer) and trainer.state.fn == "fit":
        refuse_other_trainer(trainer, what)
