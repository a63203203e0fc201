"""Checkpoint files that are whole or absent, and that are never unpickled."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from core.atomic_files import replacing
from core.errors import InputError
from engine.runs.archive_limits import refuse_inflated
from engine.runs.checkpoint_contents import check_readable, plain_hyperparameters


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the file, flushes to the disk, then renames: a crash or a full disk leaves the previous file.

    (Lightning's own writing goes through TMPDIR, from where a rename is a copy if that is another file system.)
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Saves a checkpoint.

        Raises:
            InputError: It holds what could not be read again; the previous file is unchanged.
            RunFailed: It cannot be written; the previous file is unchanged.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = plain_hyperparameters(checkpoint)
        with replacing(path) as temporary:
            torch.save(checkpoint, temporary)
            check_readable(temporary, checkpoint)

    def load_checkpoint(self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True) -> dict:
        """Loads a checkpoint, tensors and plain values alone.

        Raises:
            InputError: The file is no checkpoint, is truncated, or holds code.
        """
        return load_checkpoint(Path(path), map_location)


def load_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Reads a file that torch saved, executing nothing that it may hold.

    Args:
        path: The file.
        map_location: Device for the tensors.

    Returns:
        What was saved.

    Raises:
        InputError: The file is no checkpoint, is truncated, or holds code.
    """
    refuse_inflated(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # of a file that is then refused
            content = torch.load(path, map_location=map_location or "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch names the pickle instruction that it refused; other bytes may look like that one
        held = "GLOBAL" in str(error) and _first_byte(path) in (b"P", b"\x80")
        reason = "holds objects that could run code; nothing of it was loaded" if held else "no checkpoint"
        raise InputError(f"{path}: {reason}") from error
    except Exception as error:  # in whatever way torch stumbles over bytes that it did not write
        raise InputError(f"{path}: no checkpoint, or a truncated one") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: no checkpoint: it holds a {type(content).__name__}")
    return content


def _first_byte(path: Path) -> bytes:
    """Returns what torch's archives and pickled files begin with: P, or 128."""
    with open(path, "rb") as file:
        return file.read(1)
