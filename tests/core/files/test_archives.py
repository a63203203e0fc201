"""A folder of an archive replaces the one that was there, or leaves it as it was."""

import io
import tarfile
from pathlib import Path

import pytest

from core.files.archives import extract_folder


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


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_an_archive_with_links_changes_nothing(kind: bytes, archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("set/link")
        entry.type, entry.linkname = kind, "new"
        tar.addfile(entry)
    with pytest.raises(RuntimeError, match=r"^set.tar: 'set/link' is no file or folder within it$"):
        extract_folder(archive, "set.tar", "set", tmp_path / "temporary")
    assert [path.name for path in (archive.parent / "set").iterdir()] == ["old"]


def test_an_archive_that_unpacks_to_an_implausible_size_changes_nothing(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.files.archives.FREE", 1000)
    packed = archive.with_name("set.tar.gz")
    with tarfile.open(packed, "w:gz") as tar:
        for name in ("set/a", "set/b"):
            entry = tarfile.TarInfo(name)
            entry.size = 200_000
            tar.addfile(entry, io.BytesIO(bytes(entry.size)))
    with pytest.raises(RuntimeError, match=r"^set.tar.gz: unpacks to more than [\d,]+ bytes, which is not plausible$"):
        extract_folder(packed, "set.tar.gz", "set", tmp_path / "temporary")
    assert [path.name for path in (archive.parent / "set").iterdir()] == ["old"]
