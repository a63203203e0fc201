"""Locks of files, which end with the process that holds them; not every disk has them."""

import errno
from pathlib import Path

from filelock import FileLock

UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # as some network drives answer


class NoLocks(OSError):
    """The disk of a file has no locks."""


def file_lock(path: Path) -> FileLock:
    """Returns the lock of a file, which a disk without locks refuses.

    Newer releases of filelock would make a file in place of it there, which stays when its process is killed.
    """
    try:
        return FileLock(path, fallback_to_soft=False)
    except TypeError:  # an older release
        return FileLock(path)


def acquire(lock: FileLock, timeout: float, poll_interval: float = 0.05) -> None:
    """Acquires a lock, for this process until it is released.

    Args:
        lock: The lock.
        timeout: Seconds to wait for another process.
        poll_interval: Seconds between attempts.

    Raises:
        Timeout: Another process has it.
        NoLocks: The disk of its file has no locks.
        OSError: Its file cannot be written.
    """
    try:
        lock.acquire(timeout=timeout, poll_interval=poll_interval)
    except NotImplementedError as error:  # of older releases
        raise NoLocks(errno.ENOSYS, "its disk has no locks") from error
    except OSError as error:  # Timeout is one, too, and has no number
        if error.errno in UNSUPPORTED:
            raise NoLocks(error.errno, "its disk has no locks") from error
        raise
