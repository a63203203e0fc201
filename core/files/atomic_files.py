"""Atomic file writes: after a crash or on a full disk there is the old file or the complete new one.

Two processes that read, change and write one file take turns by a lock of its folder.
"""

import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import RunFailed
from core.files.files_in_use import FileInUse, is_in_use, rename

DAY = 24 * 3600.0  # seconds
TEMPORARY = re.compile(r"\.(?P<name>.+)\.((?P<machine>[A-Za-z0-9]+)-)?(?P<process>\d+)\.tmp")
_written: set[str] = set()  # by this process


@contextlib.contextmanager
def replacing(path: Path, flush: bool = True) -> Iterator[Path]:
    """Yields a temporary file in the same folder, which replaces `path` at the end of the block.

    Its content is on the disk before it is renamed. `path` is never written in place, so it may be a hard link
    to another file. What killed processes left of earlier attempts is removed.

    Args:
        path: The file to write; its folder must exist.
        flush: Flush its content to the disk; a second name of a file that was flushed needs none.

    Raises:
        RunFailed: The disk is full or not writable; `path` is unchanged.
        FileInUse: Another program has it open, on Windows; `path` is unchanged.
    """
    temporary = temporary_beside(path)
    try:
        remove_abandoned(path.parent, path.name)
        temporary.unlink(missing_ok=True)  # left by a killed process; it may be a hard link to a checkpoint
        yield temporary
        if flush:
            _flush(temporary)
        rename(temporary, path)
        _written.add(os.path.abspath(path))
    except (OSError, RuntimeError) as error:  # torch reports a failed write as a RuntimeError
        with contextlib.suppress(OSError):
            if temporary.stat().st_nlink == 1:  # and no second name of a checkpoint
                os.truncate(temporary, 0)  # gives its space back at once: whoever wrote it may still hold it open
        kept = "the previous file is unchanged" if path.exists() else "there was no previous file"
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        if "inline_container" in str(reason) or "PytorchStreamWriter" in str(reason):  # places in torch's own source
            reason = "the file could only be written in part, as on a full disk"
        kind = FileInUse if is_in_use(error) else RunFailed
        raise kind(f"{path}: could not be written ({reason}); {kept}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def is_written_here(path: Path) -> bool:
    """Returns whether this process has written a file atomically."""
    return os.path.abspath(path) in _written


def temporary_beside(path: Path) -> Path:
    """Returns the name of what a file or folder is as long as this process makes it, which is no other process's."""
    return path.with_name(f".{path.name}.{_here()}-{os.getpid()}.tmp")


@contextlib.contextmanager
def locked(folder: Path, before_waiting: Callable[[], object] = bool) -> Iterator[None]:
    """Keeps other processes out of such a block of the same folder; they wait.

    It leaves no file. Where folders cannot be locked, on Windows and some network drives, nobody waits.

    Args:
        folder: The folder.
        before_waiting: Called if another process is in such a block.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # of Unix

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)  # which ends the lock
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                before_waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def remove_abandoned(folder: Path, name: str | None = None) -> list[Path]:
    """Removes the temporary files and folders that killed processes have left in a folder.

    Those of other machines, which a network drive may show, are removed a day after their last change.

    Args:
        folder: The folder; what is deeper within it is left alone.
        name: Name of what they were to become; any if not given.

    Returns:
        Those that were there.
    """
    removed = []
    with contextlib.suppress(OSError):
        for entry in [entry for entry in os.scandir(folder) if entry.name.endswith(".tmp")]:
            match = TEMPORARY.fullmatch(entry.name)
            if match is None or (name is not None and match["name"] != name):
                continue
            elsewhere = match["machine"] not in (None, _here())
            old = time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY
            if old or not (elsewhere or _is_running(int(match["process"]))):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
                removed.append(Path(entry.path))
    return removed


def _here() -> str:
    import platform  # not at every start of the command

    return re.sub(r"[^A-Za-z0-9]", "", platform.node())[:40] or "here"


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # where asking by a signal would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has so large a number
        return False
    except OSError:  # somebody else's
        return True
    return True


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file atomically.

    Args:
        path: The file.
        content: What it is to hold; text is written in UTF-8, its line ends as they are.

    Raises:
        RunFailed: It cannot be written; the previous file is unchanged.
    """
    with replacing(path) as temporary:
        if isinstance(content, str):
            temporary.write_text(content, encoding="utf-8", newline="")
        else:
            temporary.write_bytes(content)


def copy_atomically(source: Path, target: Path) -> None:
    """Copies a file atomically: the target is the old file or the complete new one.

    The copy is a hard link where the file system supports it, because `replacing` writes no file in place.

    Args:
        source: A file that `replacing` has written, and so flushed to the disk.
        target: The copy.

    Raises:
        RunFailed: It cannot be written; the previous file is unchanged.
    """
    with replacing(target, flush=False) as temporary:
        try:
            temporary.hardlink_to(source)
        except OSError:  # no hard links: exFAT, some network drives
            temporary.write_bytes(source.read_bytes())
            _flush(temporary)
