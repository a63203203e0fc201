"""A folder of an archive replaces the one that was there, or leaves it as it was."""

import tarfile
from pathlib import Path

import pytest

from core.archives import extract_folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of the folder `set` with the file `new`, beside a folder `set` with the file `old`."""
    for name in ("site/set/new", "here/set/old"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()
    with tarfile.open(tmp_path / "here" / "set.tar", "w") as tar:
        tar.add(tmp_path / "site" / "set", "set")
    return tmp_path / "here" / "set.tar"


def test_the_folder_replaces_the_one_that_was_there(archive: Path, tmp_path: Path) -> None:
    extract_folder(archive, "set.tar", "set", tmp_path / "temporary")
    assert [path.name for path in (archive.parent / "set").iterdir()] == ["new"]


def test_an_archive_without_the_folder_is_named_and_changes_nothing(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^the digits: no folder other in it$"):
        extract_folder(archive, "the digits", "other", tmp_path / "temporary")
    assert [path.name for path in (archive.parent / "set").iterdir()] == ["old"]
