"""A file that another program has open is replaced once that ends; a record that stays open ends no run."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import RunFailed
from core.files.atomic_files import write_atomically
from core.files.files_in_use import FileInUse, passing_over_files_in_use

OPEN_ELSEWHERE = PermissionError(errno.EACCES, "The process cannot access the file")


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the module act as on Windows, and wait for a moment alone."""
    monkeypatch.setattr("core.files.files_in_use.sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr("core.files.files_in_use.SECONDS", 0.2)
    monkeypatch.setattr("core.files.files_in_use.LOOK_EVERY", 0.01)


def refusing(times: float) -> Callable[[Path, Path], None]:
    """Returns an `os.replace` that says so many times that a file is in use."""
    replace, attempts = os.replace, []

    def refuse(source: Path, target: Path) -> None:
        attempts.append(target)
        if len(attempts) <= times:
            raise OPEN_ELSEWHERE
        replace(source, target)

    return refuse


@pytest.mark.usefixtures("on_windows")
def test_windows_replaces_a_file_once_nobody_has_it_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", refusing(3))
    write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.usefixtures("on_windows")
def test_a_file_that_stays_open_is_named_and_what_may_go_on_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "replace", refusing(float("inf")))
    with pytest.raises(FileInUse, match=r"a\.txt: could not be written \(The process cannot access the file\)"):
        write_atomically(tmp_path / "a.txt", "new")
    with passing_over_files_in_use("it is written later"):
        write_atomically(tmp_path / "a.txt", "new")
    assert capsys.readouterr().out.startswith(f"note: {tmp_path / 'a.txt'}: could not be written")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_other_systems_allow_what_they_will_allow_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.files.files_in_use.sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(os, "replace", refusing(1))
    with pytest.raises(RunFailed, match="could not be written") as caught, passing_over_files_in_use("never"):
        write_atomically(tmp_path / "a.txt", "new")
    assert type(caught.value) is RunFailed
