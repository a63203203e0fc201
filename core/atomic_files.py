"""Files that are whole or absent: a reader, a crash or a full disk sees the old file or the new one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import RunFailed


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary file in the same folder, which replaces `path` once the block is done.

    Its content is on the disk before it gets its name. `path` itself is never written in place, so that it may be a
    second name of another file.

    Args:
        path: The file to write; its folder is there.

    Raises:
        RunFailed: The disk is full or not writable; `path` is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # of a killed process: it may be a second name of a checkpoint
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        kept = "the previous one is whole" if path.exists() else "none was there before"
        reason = getattr(error, "strerror", None) or error
        raise RunFailed(f"{path}: could not be written ({reason}); {kept}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Replaces a text file as a whole.

    Raises:
        RunFailed: It cannot be written; the previous file is whole.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def copy_atomically(source: Path, target: Path) -> None:
    """Copies a file so that the target is the old one or the whole new one.

    Where the file system can, both names share one file: `replacing` writes neither in place.

    Raises:
        RunFailed: It cannot be written; the previous file is whole.
    """
    with replacing(target) as temporary:
        try:
            temporary.hardlink_to(source)
        except OSError:  # exFAT, some network drives
            temporary.write_bytes(source.read_bytes())
