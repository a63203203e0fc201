"""Downloads with checksums, mirrors and timeouts, which leave complete files or nothing."""

import contextlib
import os
import shutil
import socket
import tarfile
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.error import URLError

from core.console import print_line
from core.errors import InputError

ANSWER_TIMEOUT = 8.0  # seconds in which a server must answer
STALL_TIMEOUT = 30.0  # seconds without a byte after which a download has failed
PART = ".part"  # suffix of incomplete files, so that one left by a killed download is not taken for the data


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes:
        name: Its name in the local folder.
        urls: Its addresses; the first that works is used.
        md5: Its checksum; None if unknown.
    """

    name: str
    urls: Sequence[str]
    md5: str | None = None


@dataclass(frozen=True)
class Request:
    """What a failed download's error message states.

    Attributes:
        data_dir: The folder given by the user.
        holds: What that folder holds instead of the data set.
        name: Name of the data set.
        synthetic: What `--data.source synthetic` makes instead; empty for a data set without that argument.
    """

    data_dir: Path
    holds: str
    name: str
    synthetic: str = ""


def download_files(files: Sequence[RemoteFile], folder: Path, request: Request) -> None:
    """Downloads files, each of which is complete or absent at the end.

    Args:
        files: The files.
        folder: Target folder; created if absent.
        request: Facts for the error message.

    Raises:
        InputError: A download failed; everything it wrote is removed.
    """
    paths = [folder / file.name for file in files]

    def fetch() -> None:
        _announce(request)
        for file, path in zip(files, paths, strict=True):
            _fetch(file, folder)
            os.replace(_part(path), path)

    download(fetch, [*paths, *(_part(path) for path in paths)], request)


def download_archive(archive: RemoteFile, member: str, folder: Path, request: Request) -> None:
    """Downloads a tar archive and extracts one folder of it, which is complete or absent at the end.

    An archive that is already in `folder` and has the right checksum is extracted without a download. A file of that
    name stays as it is in any case; a downloaded one goes under another name, and is removed.

    Args:
        archive: The archive.
        member: Name of the folder in it; an existing one in `folder` is replaced.
        folder: Target folder; created if absent.
        request: Facts for the error message.

    Raises:
        InputError: The download failed, or the archive is broken or has paths outside `folder`; everything written is
            removed.
    """
    path, temporary = folder / archive.name, _part(folder / member)

    def fetch() -> None:
        from torchvision.datasets.utils import check_integrity  # torchvision takes a second to import

        if archive.md5 is not None and check_integrity(path, archive.md5):
            _extract(path, member, temporary)
            return
        _announce(request)
        if path.exists():
            print_line(f"note     {path}: left alone, since it is no complete {archive.name}")
        _fetch(archive, folder)
        _extract(_part(path), member, temporary)
        _part(path).unlink()

    try:
        download(fetch, [_part(path)], request)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _announce(request: Request) -> None:
    """Says what is downloaded and into which folder, which a user can have misspelled."""
    found = f"which holds {request.holds}" if request.data_dir.is_dir() else "a new folder"
    print_line(f"downloading {request.name} into {request.data_dir}, {found}")


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART)


def _fetch(file: RemoteFile, folder: Path) -> None:
    """Downloads a file from the first of its addresses that works, under the name of an incomplete one.

    Raises:
        OSError | RuntimeError | HTTPException: None works; the error is that of the last one.
    """
    from torchvision.datasets.utils import download_url  # torchvision takes a second to import

    part = _part(folder / file.name)
    failure: Exception | None = None
    for url in file.urls:
        try:
            reachable_url([url])
            part.unlink(missing_ok=True)  # left by a killed download; torchvision would use it as the file
            download_url(url, folder, part.name, file.md5)
            return
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            failure = error
    raise failure


def _extract(archive: Path, member: str, temporary: Path) -> None:
    """Extracts a folder of an archive into the archive's own folder, through a temporary one.

    Raises:
        RuntimeError: The archive is broken, has paths outside the folder, or lacks the member.
    """
    name = archive.name.removesuffix(PART)
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed download
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(temporary, filter="data")  # refuses paths outside the folder
            else:  # Python before 3.11.4, such as Debian 12's
                tar.extractall(temporary, [_plain(entry) for entry in tar])
    except (tarfile.TarError, zlib.error) as error:
        reason = str(error).partition(":\n")[0]  # the rest is a line for each compression that was tried
        raise RuntimeError(f"{name}: {reason}") from error
    if not (temporary / member).is_dir():
        raise RuntimeError(f"{name}: no folder {member} in it")
    target = archive.parent / member
    if target.exists():
        os.replace(target, temporary / "replaced")
    os.replace(temporary / member, target)


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


def download(fetch: Callable[[], object], files: Sequence[Path], request: Request) -> None:
    """Runs a download, and removes everything it wrote if it fails.

    Args:
        fetch: Downloads the files.
        files: All files that it writes; those that are new, and their new folders, are removed when it fails.
        request: Facts for the error message.

    Raises:
        InputError: The download failed.
    """
    folders = {folder for file in files for folder in file.parents}
    new_files = [path for path in files if not path.exists()]
    new_folders = sorted((path for path in folders if not path.exists()), key=lambda path: -len(path.parts))
    try:
        with stall_timeout():
            fetch()
    except BaseException as error:  # KeyboardInterrupt and SystemExit too
        for path in new_files:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        for path in new_folders:
            with contextlib.suppress(OSError):
                path.rmdir()
        if not isinstance(error, OSError | RuntimeError | EOFError | HTTPException):
            raise
        other = f", or try the built-in {request.synthetic} with --data.source synthetic" if request.synthetic else ""
        raise InputError(
            f"--data.data_dir {request.data_dir}: holds {request.holds}, and the download failed ({error}); "
            f"put {request.name} there{other}"
        ) from error


@contextlib.contextmanager
def stall_timeout() -> Iterator[None]:
    """Makes a stalled connection an error within the block: torch and torchvision set no timeout."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(previous)


def reachable_url(urls: Sequence[str]) -> str:
    """Returns the first of several addresses of one file whose server answers in time.

    Raises:
        OSError: None does; the error is that of the last one.
    """
    for url in urls:
        failure = _check_url(url)
        if failure is None:
            return url
    raise failure


def _check_url(url: str) -> OSError | None:
    """Sends a HEAD request, and returns the error if there is no answer in time, else None.

    It runs in a thread, because neither a DNS lookup nor a proxy respects a socket's timeout.
    """
    outcome: list[OSError | None] = []

    def send() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_TIMEOUT):
                outcome.append(None)
        except (OSError, ValueError, HTTPException) as error:
            outcome.append(OSError(f"{url}: {error.reason if isinstance(error, URLError) else error}"))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(ANSWER_TIMEOUT)
    return outcome[0] if outcome else TimeoutError(f"{url}: no answer within {ANSWER_TIMEOUT:.0f} s")
