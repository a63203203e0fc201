"""Files are whole or absent, whatever happens while they are written."""

import errno
import os
from pathlib import Path

import pytest

from core.atomic_files import copy_atomically, write_atomically
from core.errors import RunFailed
from engine.checkpoint_io import AtomicCheckpointIO


def test_writing_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "long and old\n")
    write_atomically(path, "näw\n")
    assert path.read_bytes() == "näw\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("broken", ["os.replace", "pathlib.Path.write_text"])
def test_a_failed_write_keeps_the_old_file(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(broken, full)
        with pytest.raises(RunFailed, match="No space left"):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_replaces_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"older and longer")
    copy_atomically(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    with pytest.raises(RunFailed):
        copy_atomically(tmp_path / "nothing", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"


def test_what_a_killed_process_left_does_not_lead_into_another_checkpoint(tmp_path: Path) -> None:
    """A second name of best.ckpt, meant for last.ckpt, is left; a process with the same number saves."""
    best, last = tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    best.write_bytes(b"best")
    (tmp_path / f".last.ckpt.{os.getpid()}.tmp").hardlink_to(best)
    AtomicCheckpointIO().save_checkpoint({"x": 1}, last)
    assert best.read_bytes() == b"best"
    (tmp_path / f".last.ckpt.{os.getpid()}.tmp").hardlink_to(best)
    copy_atomically(best, last)
    assert last.read_bytes() == b"best"


def test_a_copy_is_made_where_files_cannot_have_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "a").write_bytes(b"new")
    copy_atomically(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_ino != (tmp_path / "b").stat().st_ino
