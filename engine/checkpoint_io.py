"""Checkpoint files that are whole or absent, and that are never unpickled."""

import contextlib
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from engine.errors import InputError, RunFailed


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the file, flushes to the disk, then renames: a crash or a full disk leaves the previous file.

    (Lightning's own writing goes through TMPDIR, from where a rename is a copy if that is another file system.)
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Saves a checkpoint.

        Raises:
            RunFailed: It cannot be written; the previous file is whole.
        """
        with replacing(Path(path)) as temporary:
            torch.save(checkpoint, temporary)

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
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # of a file that is then refused
            content = torch.load(path, map_location=map_location or "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        held = "GLOBAL" in str(error)  # torch names the pickle instruction that it refused
        reason = "holds objects that could run code; nothing of it was loaded" if held else "no checkpoint"
        raise InputError(f"{path}: {reason}") from error
    except Exception as error:  # in whatever way torch stumbles over bytes that it did not write
        raise InputError(f"{path}: no checkpoint, or a truncated one") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: no checkpoint: it holds a {type(content).__name__}")
    return content


def copy_atomically(source: Path, target: Path) -> None:
    """Copies a file so that the target is the old one or the whole new one.

    Where the file system can, both names share one file: `replacing` writes neither in place.
    """
    with replacing(target) as temporary:
        try:
            temporary.hardlink_to(source)
        except OSError:  # exFAT, some network drives
            temporary.write_bytes(source.read_bytes())


@contextlib.contextmanager
def replacing(path: Path) -> Any:
    """Gives a temporary file in the same folder, which replaces `path` once the block is done.

    Raises:
        RunFailed: The disk is full or not writable; `path` is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # of a killed process: it may be a second name of a checkpoint
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        kept = "the previous one is whole" if path.exists() else "none was there before"
        raise RunFailed(f"{path}: the checkpoint could not be written ({error}); {kept}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
