"""Atomic file writes: after a crash or on a full disk there is the old file or the complete new one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import RunFailed


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary file in the same folder, which replaces `path` at the end of the block.

    Its content is flushed to the disk before it is renamed. `path` is never written in place, so it may be a hard link
    to another file.

    Args:
        path: The file to write; its folder must exist.

    Raises:
        RunFailed: The disk is full or not writable; `path` is unchanged.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # left by a killed process; it may be a hard link to a checkpoint
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        kept = "the previous file is unchanged" if path.exists() else "there was no previous file"
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise RunFailed(f"{path}: could not be written ({reason}); {kept}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Writes a text file atomically.

    Raises:
        RunFailed: It cannot be written; the previous file is unchanged.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def copy_atomically(source: Path, target: Path) -> None:
    """Copies a file atomically: the target is the old file or the complete new one.

    The copy is a hard link where the file system supports it, because `replacing` writes no file in place.

    Raises:
        RunFailed: It cannot be written; the previous file is unchanged.
    """
    with replacing(target) as temporary:
        try:
            temporary.hardlink_to(source)
        except OSError:  # no hard links: exFAT, some network drives
            temporary.write_bytes(source.read_bytes())
