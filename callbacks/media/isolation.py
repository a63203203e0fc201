"""How media are made: without a trace in training, and with one line where a model's or data module's code fails."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer

from core.code.error_places import shown_where
from core.errors import OneLine, RunFailed, in_one_line
from core.evaluation_mode import evaluation_mode
from core.media import Medium


@contextlib.contextmanager
def making_media(trainer: Trainer, pl_module: LightningModule) -> Iterator[None]:
    """Puts a model into evaluation without gradients; mode and random state are restored at the end."""
    with (
        evaluation_mode(pl_module),
        torch.no_grad(),
        torch.random.fork_rng(devices=[]),
        trainer.precision_plugin.forward_context(),
    ):
        yield


def media_of(maker: Any, method: str, *arguments: Any) -> list[Medium]:
    """Returns the media that a method of a model or a data module makes.

    Args:
        maker: The model or data module.
        method: Name of the method; `core.protocols.general` describes it.
        arguments: What it takes.

    Raises:
        RunFailed: It fails, or gives something else.
    """
    what = f"{type(maker).__name__}.{method}"
    try:
        media = list(getattr(maker, method)(*arguments))
    except Exception as error:
        if isinstance(error, OneLine | MemoryError | torch.OutOfMemoryError):
            raise
        raise RunFailed(f"{what} fails: {in_one_line(error)} {shown_where(error)}") from error
    for medium in media:
        if not isinstance(medium, Medium):
            raise RunFailed(f"{what} gives {type(medium).__name__}, which is no medium of core.media")
    return media
