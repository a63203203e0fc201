"""Where media go: the run's folder, TensorBoard, and Weights & Biases."""

import contextlib
import csv
import io
import wave
from collections.abc import Iterable, Iterator
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from torch import Tensor

from core.atomic_files import replacing
from core.media import Audio, Embedding, Figure, File, Grid, Image, Medium, Table, Text
from core.printable import cell

PICTURES = (Image, Grid, Figure)


def write_media(trainer: Trainer, media: Iterable[Medium]) -> None:
    """Writes media everywhere, on the first process.

    A file is replaced as a whole, so that the folder holds the newest medium of each name; TensorBoard and Weights &
    Biases keep those of all steps.

    Args:
        trainer: Has the run's folder and the loggers.
        media: The media; made on the first process alone.

    Raises:
        RunFailed: A file cannot be written.
    """
    if not trainer.is_global_zero or not (media := list(media)):
        return
    folder = trainer.run_folder.path if trainer.run_folder is not None else None
    with _boards(trainer, folder) as boards:
        for medium in media:
            ending, content = encode(medium)
            path = None if folder is None else folder / f"{medium.name}{ending}"
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as temporary:
                    temporary.write_bytes(content)
            for board in boards:
                _add_to_board(board, medium, content)
            for logger in trainer.loggers:
                if isinstance(logger, WandbLogger):
                    _log_to_wandb(logger, medium, content, path)


@singledispatch
def encode(medium: Medium) -> tuple[str, bytes]:
    """Returns the ending of a medium's file, and its content."""
    raise TypeError(f"{type(medium).__name__} is no medium of core.media")


@encode.register
def _(medium: Image | Grid) -> tuple[str, bytes]:
    content = io.BytesIO()
    PillowImage.fromarray(medium.pixels.cpu().squeeze(-1).numpy()).save(content, "png")
    return ".png", content.getvalue()


@encode.register
def _(medium: Figure) -> tuple[str, bytes]:
    content = io.BytesIO()
    medium.figure.savefig(content, format="png")
    return ".png", content.getvalue()


@encode.register
def _(medium: Table) -> tuple[str, bytes]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [cell(word) for word in row] for row in [medium.header, *medium.rows]
    )
    return ".csv", text.getvalue().encode()


@encode.register
def _(medium: Text) -> tuple[str, bytes]:
    parts = [f"=== epoch {epoch}\n{text}\n" for epoch, text in _by_epoch(medium)]
    return ".txt", ("\n".join(parts) if parts else f"{medium.text}\n").encode()


@encode.register
def _(medium: Embedding) -> tuple[str, bytes]:
    rows = zip(medium.labels, medium.vectors.tolist(), strict=True)
    lines = ["\t".join([_in_one_cell(label), *(f"{value:.6g}" for value in row)]) for label, row in rows]
    return ".tsv", "".join(f"{line}\n" for line in lines).encode()


@encode.register
def _(medium: Audio) -> tuple[str, bytes]:
    content = io.BytesIO()
    samples = _channels(medium)
    with wave.open(content, "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(medium.rate)
        file.writeframes((samples * 32767).round().to(torch.int16).T.contiguous().numpy().astype("<i2").tobytes())
    return ".wav", content.getvalue()


@encode.register
def _(medium: File) -> tuple[str, bytes]:
    return medium.ending, medium.content


@contextlib.contextmanager
def _boards(trainer: Trainer, folder: Path | None) -> Iterator[list[Any]]:
    """Gives the TensorBoard writers of this call; the run's own logger exists within `fit` alone."""
    boards = [logger.experiment for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    if trainer.state.fn == "fit" or folder is None or not trainer.uses_tensorboard:
        yield boards
        return
    from torch.utils.tensorboard import SummaryWriter  # takes a second, which a start need not wait for

    with SummaryWriter(folder / "tensorboard") as board:
        yield [*boards, board]


def _add_to_board(board: Any, medium: Medium, content: bytes) -> None:
    tag, step = medium.tag or medium.name, medium.step
    if isinstance(medium, PICTURES):
        board.add_image(tag, np.asarray(_picture(content)), step, dataformats="HWC")
    elif isinstance(medium, Table):
        lines = [
            "|".join(["", *(word.replace("|", "\\|") for word in row), ""]) for row in (medium.header, *medium.rows)
        ]
        board.add_text(tag, "\n".join([lines[0], "|---" * len(medium.header) + "|", *lines[1:]]), step)
    elif isinstance(medium, Text):  # four spaces make it verbatim
        board.add_text(tag, "".join(f"    {line}\n" for line in medium.text.split("\n")), step)
    elif isinstance(medium, Embedding):
        board.add_embedding(medium.vectors, [_in_one_cell(label) for label in medium.labels], tag=tag, global_step=step)
    elif isinstance(medium, Audio):
        board.add_audio(tag, _channels(medium).mean(0, keepdim=True), step, sample_rate=medium.rate)


def _log_to_wandb(logger: WandbLogger, medium: Medium, content: bytes, path: Path | None) -> None:
    if isinstance(medium, PICTURES):
        logger.log_image(medium.name, [_picture(content) if path is None else str(path)], step=medium.step)
    elif isinstance(medium, Table):
        logger.log_text(
            medium.name, columns=list(medium.header), data=[list(row) for row in medium.rows], step=medium.step
        )
    elif isinstance(medium, Text):
        rows = [[epoch, text] for epoch, text in _by_epoch(medium)]
        columns = ["epoch", "text"] if rows else ["text"]
        logger.log_text(medium.name, columns=columns, data=rows or [[medium.text]], step=medium.step)
    elif isinstance(medium, Embedding):
        columns = ["name", *(str(place) for place in range(medium.vectors.shape[1]))]
        rows = [[label, *row] for label, row in zip(medium.labels, medium.vectors.tolist(), strict=True)]
        logger.log_table(medium.name, columns=columns, data=rows, step=medium.step)
    elif isinstance(medium, Audio):
        logger.log_audio(medium.name, [_channels(medium).T.numpy()], sample_rate=[medium.rate], step=medium.step)


def _by_epoch(medium: Text) -> list[tuple[int, str]]:
    """Returns epochs and their texts; empty for a text of no epoch."""
    return [] if medium.epoch is None else [*medium.earlier, (medium.epoch, medium.text)]


def _in_one_cell(label: str) -> str:
    """Returns a label without tabs and line ends, which end a cell and a row."""
    return " ".join(label.split()) or "_"


def _channels(medium: Audio) -> Tensor:
    """Returns amplitudes, float32 [C, L]."""
    return torch.atleast_2d(medium.samples.detach().float().cpu()).clamp(-1, 1)


def _picture(content: bytes) -> PillowImage.Image:
    return PillowImage.open(io.BytesIO(content)).convert("RGB")
