"""Where media go: the run's folder, TensorBoard, and Weights & Biases."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from functools import singledispatch
from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from callbacks.media.tensorboard import add_to_board, read_picture
from core.errors import RunFailed
from core.files.atomic_files import write_atomically
from core.files.files_in_use import passing_over_files_in_use
from core.media import Audio, Embedding, Figure, Grid, Histograms, Image, Medium, Table, Text
from core.media_files import encode, texts_by_epoch
from core.run_layout import CHECKPOINTS
from core.summary import RECORD_FILES

FOLDERS = (CHECKPOINTS, "tensorboard", "wandb")  # of a run


def write_media(trainer: Trainer, media: Iterable[Medium]) -> None:
    """Writes media everywhere, on the first process.

    A file is replaced as a whole, so that the folder holds the newest medium of each name; TensorBoard and Weights &
    Biases keep those of all steps.

    Args:
        trainer: Has the run's folder and the loggers.
        media: The media; made on the first process alone.

    Raises:
        RunFailed: A file cannot be written, or a name is not one for a medium's file.
    """
    if not trainer.is_global_zero or not (media := list(media)):
        return
    folder = trainer.run_folder.path if trainer.run_folder is not None else None
    with _boards(trainer, folder) as boards:
        for medium in media:
            ending, content = encode(medium)
            path = None if folder is None or not ending else _file_of(medium, ending, folder)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with passing_over_files_in_use("the next of its name replaces it"):
                    write_atomically(path, content)
            for board in boards:
                add_to_board(medium, board, content)
            for logger in trainer.loggers:
                if isinstance(logger, WandbLogger):
                    _log_to_wandb(medium, logger, content, path)


def _file_of(medium: Medium, ending: str, folder: Path) -> Path:
    """Returns the file of a medium in a run's folder, which is none that the run itself keeps there.

    Raises:
        RunFailed: Its name is that of such a file, or leads elsewhere.
    """
    file = Path(f"{medium.name}{ending}")
    if file.is_absolute() or ".." in file.parts or str(file) in RECORD_FILES or file.parts[0] in FOLDERS:
        why = "a medium's file lies in the run's folder, and is none of the run's own"
        raise RunFailed(f"{file}: {why}; give the {type(medium).__name__} another name than {medium.name!r}")
    return folder / file


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


@singledispatch
def _log_to_wandb(medium: Medium, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    """Logs a medium; nothing of one that Weights & Biases has no place for, such as a MIDI file."""


@_log_to_wandb.register
def _(medium: Image | Grid | Figure, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    logger.log_image(medium.name, [read_picture(content) if path is None else str(path)], step=medium.step)


@_log_to_wandb.register
def _(medium: Table, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    rows = [[str(word) for word in row] for row in medium.rows]
    logger.log_text(medium.name, columns=list(medium.header), data=rows, step=medium.step)


@_log_to_wandb.register
def _(medium: Text, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    rows = [[epoch, text] for epoch, text in texts_by_epoch(medium)]
    columns = ["epoch", "text"] if rows else ["text"]
    logger.log_text(medium.name, columns=columns, data=rows or [[medium.text]], step=medium.step)


@_log_to_wandb.register
def _(medium: Embedding, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    columns = ["name", *(str(place) for place in range(medium.vectors.shape[1]))]
    rows = [[label, *row] for label, row in zip(medium.labels, medium.vectors.tolist(), strict=True)]
    logger.log_text(medium.name, columns=columns, data=rows, step=medium.step)


@_log_to_wandb.register
def _(medium: Audio, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    from wandb import Audio as Sound  # takes a second, which a start need not wait for

    with tempfile.TemporaryDirectory() as folder:  # of which W&B makes a copy at once
        file = Path(folder) / "sound.wav"
        file.write_bytes(content)
        # samples, and sounds in a list, need a package that is not required
        logger.log_metrics({medium.name: Sound(str(file))}, step=medium.step)


@_log_to_wandb.register
def _(medium: Histograms, logger: WandbLogger, content: bytes, path: Path | None) -> None:
    from wandb import Histogram  # takes a second, which a start need not wait for

    histograms = {name: (one.counts.numpy(), one.edges.numpy()) for name, one in medium.histograms.items()}
    logger.log_metrics({name: Histogram(np_histogram=pair) for name, pair in histograms.items()}, step=medium.step)
