"""A lock is had, or is with another process, or there are no locks on the disk."""

import errno
import os
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from core.files.file_locks import NoLocks, acquire, file_lock


def test_one_has_a_lock_until_it_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / ".lock"), FileLock(tmp_path / ".lock")
    acquire(first, 0)
    with pytest.raises(Timeout):
        acquire(second, 0)
    first.release()
    acquire(second, 0)
    second.release()


@pytest.mark.parametrize(
    "error", [NotImplementedError(), OSError(errno.ENOLCK, "No locks"), OSError(errno.ENOTSUP, "Not supported")]
)
def test_a_disk_without_locks_is_told_from_one_that_cannot_be_written(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(NoLocks, match="its disk has no locks"):
        acquire(FileLock(tmp_path / ".lock"), 0)
    error = OSError(errno.EROFS, "Read-only file system")
    with pytest.raises(OSError, match="Read-only") as caught:
        acquire(FileLock(tmp_path / ".lock"), 0)
    assert not isinstance(caught.value, NoLocks)


@pytest.mark.skipif(sys.platform == "win32", reason="flock is of Unix")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_no_file_takes_the_place_of_a_lock_where_a_disk_has_none(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(NoLocks, match="its disk has no locks"):
        acquire(file_lock(tmp_path / ".lock"), 0)
