"""Downloads with checksums, mirrors and timeouts, which leave complete files or nothing."""

import contextlib
import shutil
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError

from core.errors import InputError
from core.files.archives import extract_folder, identity
from core.files.atomic_files import locked, remove_abandoned, temporary_beside
from core.files.files_in_use import rename
from core.terminal.console import print_line

ANSWER_TIMEOUT = 8.0  # seconds in which a server must answer
STALL_TIMEOUT = 30.0  # seconds without a byte after which a download has failed
Fetched = TypeVar("Fetched")


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


def download_files(
    files: Sequence[RemoteFile], folder: Path, request: Request, is_needless: Callable[[], bool] = bool
) -> bool:
    """Downloads files, each of which is complete or absent at the end; one that is there is left alone.

    Of processes that need them at the same time, one downloads, and the others wait for it.

    Args:
        files: The files.
        folder: Target folder; created if absent.
        request: Facts for the error message.
        is_needless: Whether another process has made of them meanwhile what they are for.

    Returns:
        Whether this process has downloaded any.

    Raises:
        InputError: A download failed; everything it wrote is removed.
    """

    def fetch() -> bool:
        with _turn(folder, [file.name for file in files], request) as announce, contextlib.ExitStack() as undoing:
            missing = [file for file in files if not (folder / file.name).is_file()]
            if not missing or is_needless():
                return False
            announce()
            for file in missing:
                _fetch(file, folder)
                path = folder / file.name
                rename(temporary_beside(path), path)
                undoing.callback(path.unlink, missing_ok=True)
            undoing.pop_all()
            return True

    return download(fetch, [temporary_beside(folder / file.name) for file in files], request)


def download_archive(archive: RemoteFile, member: str, folder: Path, request: Request) -> None:
    """Downloads a tar archive and extracts one folder of it, which is complete or absent at the end.

    An archive that is already in `folder` and has the right checksum is extracted without a download. A file of that
    name stays as it is in any case; a downloaded one goes under another name, and is removed. Of processes that need
    the folder at the same time, one makes it, and the others wait for it.

    Args:
        archive: The archive.
        member: Name of the folder in it; an existing one in `folder` is replaced.
        folder: Target folder; created if absent.
        request: Facts for the error message.

    Raises:
        InputError: The download failed, or the archive is broken or has paths outside `folder`; everything written is
            removed.
    """
    path, target = folder / archive.name, folder / member
    part, temporary, before = temporary_beside(path), temporary_beside(target), identity(target)

    def fetch() -> None:
        from torchvision.datasets.utils import check_integrity  # torchvision takes a second to import

        with _turn(folder, [archive.name, member], request) as announce:
            if identity(target) not in (before, None):  # another process has made it meanwhile
                return
            if archive.md5 is not None and check_integrity(path, archive.md5):
                extract_folder(path, path.name, member, temporary)
                return
            announce()
            if path.exists():
                print_line(f"note     {path}: left alone, since it is no complete {archive.name}")
            _fetch(archive, folder)
            extract_folder(part, path.name, member, temporary)
            part.unlink()

    try:
        download(fetch, [part], request)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _turn(folder: Path, names: Sequence[str], request: Request) -> Iterator[Callable[[], None]]:
    """Makes a folder, and keeps other processes from downloading what has these names into it within the block.

    Yields:
        What says what is downloaded and into which folder, which a user can have misspelled.
    """
    found = f"which holds {request.holds}" if request.data_dir.is_dir() else "a new folder"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, lambda: print_line(f"note     {folder}: waits for another process that downloads into it")):
        for name in names:
            remove_abandoned(folder, name)  # by a killed download
        yield lambda: print_line(f"downloading {request.name} into {request.data_dir}, {found}")


def _fetch(file: RemoteFile, folder: Path) -> None:
    """Downloads a file from the first of its addresses that works, under the name of an incomplete one.

    Raises:
        OSError | RuntimeError | HTTPException: None works; the error is that of the last one.
    """
    from torchvision.datasets.utils import download_url  # torchvision takes a second to import

    part = temporary_beside(folder / file.name)
    failure: Exception | None = None
    for url in file.urls:
        try:
            announced = announced_size(url)
            part.unlink(missing_ok=True)  # of the address before; torchvision would use it as the file
            download_url(url, folder, part.name, file.md5)
            size = part.stat().st_size
            if file.md5 is None and size < announced:  # a connection that ends early is no error of its own
                raise OSError(f"{url}: ended after {size:,} of {announced:,} bytes")
            return
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            failure = error
    raise failure


def download(fetch: Callable[[], Fetched], files: Sequence[Path], request: Request) -> Fetched:
    """Runs a download, returns what it returns, and removes everything it wrote if it fails.

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
            return fetch()
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


def announced_size(url: str) -> int:
    """Sends a HEAD request, and returns how many bytes the server says that the file has; 0 if it does not say it.

    It runs in a thread, because neither a DNS lookup nor a proxy respects a socket's timeout.

    Raises:
        OSError: There is no answer in time.
    """
    outcome: list[int | OSError] = [TimeoutError(f"{url}: no answer within {ANSWER_TIMEOUT:.0f} s")]

    def send() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_TIMEOUT) as answer:
                length = answer.headers.get("Content-Length", "")
                outcome.append(int(length) if length.isdecimal() else 0)
        except (OSError, ValueError, HTTPException) as error:
            outcome.append(OSError(f"{url}: {error.reason if isinstance(error, URLError) else error}"))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(ANSWER_TIMEOUT)
    latest = outcome[-1]
    if isinstance(latest, OSError):
        raise latest
    return latest
