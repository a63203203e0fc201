"""Checkpoint files that are whole or absent, and that are never unpickled."""

from pathlib import Path, PurePath
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from core.files.atomic_files import replacing
from core.files.tensor_files import load_checkpoint
from core.terminal.console import print_line
from engine.runs.checkpoint_contents import check_readable, plain_hyperparameters

CHECKPOINT = ".ckpt"  # the ending of all that is saved


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

    def remove_checkpoint(self, path: str | Path) -> None:
        """Removes a checkpoint, and nothing else.

        Lightning's callback takes names of what it removes from the checkpoint that a run goes on with, which can come
        from anybody.
        """
        name = PurePath(path)
        if name.suffix == CHECKPOINT and ".." not in name.parts:
            super().remove_checkpoint(path)
        else:
            print_line(f"note     {name}: not removed, since it is no {CHECKPOINT} file")
