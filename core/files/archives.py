"""Extracts archives of data sets; no member is written outside the target folder."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from core.files.files_in_use import rename
from core.files.input_files import FREE, RATIO


def extract_folder(archive: Path, name: str, member: str, temporary: Path) -> None:
    """Extracts a folder of a tar archive into the archive's own folder, through a temporary one.

    Args:
        archive: The archive.
        name: What messages call it.
        member: Name of the folder in it; an existing one of that name is replaced.
        temporary: The temporary folder, of this process alone, which whoever calls this removes.

    Raises:
        RuntimeError: The archive is broken, has links or paths outside the folder, unpacks to an implausible size, or
            lacks the member.
    """
    try:
        with tarfile.open(archive) as tar:
            most = max(FREE, RATIO * archive.stat().st_size)
            how = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not before Python 3.11.4
            tar.extractall(temporary, _plain_members(tar, most), **how)
    except (tarfile.TarError, zlib.error) as error:
        reason = str(error).partition(":\n")[0]  # the rest is a line for each compression that was tried
        raise RuntimeError(f"{name}: {reason}") from error
    if not (temporary / member).is_dir():
        raise RuntimeError(f"{name}: no folder {member} in it")
    target = archive.parent / member
    if target.exists():
        rename(target, temporary / "replaced")
    rename(temporary / member, target)


def identity(folder: Path) -> tuple[int, int] | None:
    """Returns what tells a folder from one that replaces it; None if there is none."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _plain_members(tar: tarfile.TarFile, most: int) -> Iterator[tarfile.TarInfo]:
    """Yields the entries of an archive, which are checked before each is unpacked.

    Args:
        tar: The archive.
        most: Bytes that they may have together.

    Raises:
        ReadError: One is no file or folder within the archive, or they are larger.
    """
    size = 0
    for entry in tar:
        size += max(entry.size, 0)
        if size > most:
            raise tarfile.ReadError(f"unpacks to more than {most:,} bytes, which is not plausible")
        yield _plain(entry)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Returns an entry of an archive if it is a file or a folder within it, without rights for others to write.

    Raises:
        ReadError: It is something else, such as a link, or leads out of the archive.
    """
    path = PurePosixPath(entry.name)
    if not (entry.isfile() or entry.isdir()) or path.is_absolute() or ".." in path.parts:
        raise tarfile.ReadError(f"{entry.name!r} is no file or folder within it")
    entry.mode &= 0o755
    return entry
