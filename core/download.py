"""Downloads with checksums and mirrors, which end in time, fail in one line, and leave whole files or nothing."""

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
from pathlib import Path

from core.errors import InputError

ANSWER_WITHIN = 8.0  # seconds that a server has to answer
STALLS_AFTER = 30.0  # seconds without a byte after which a download has failed
PART = ".part"  # ends the name of what is not whole yet: a killed download leaves nothing that counts as present


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes:
        name: Its name in the local folder.
        urls: Its addresses, of which the first that works is taken.
        md5: Its checksum, if it is known.
    """

    name: str
    urls: Sequence[str]
    md5: str | None = None


@dataclass(frozen=True)
class Request:
    """What a download is for, which its error names.

    Attributes:
        data_dir: The folder that the user named.
        holds: What that folder holds instead of the data set.
        name: Name of the data set.
        stand_in: What the synthetic source makes instead.
    """

    data_dir: Path
    holds: str
    name: str
    stand_in: str = "pictures"


def download_files(files: Sequence[RemoteFile], folder: Path, request: Request) -> None:
    """Downloads files, each of which is whole or absent.

    Args:
        files: The files.
        folder: Where they go; it is made if need be.
        request: What they are for.

    Raises:
        InputError: A download failed; what it wrote is removed.
    """
    paths = [folder / file.name for file in files]

    def fetch() -> None:
        for file in files:
            _fetch(file, folder)

    download(fetch, [*paths, *(_part(path) for path in paths)], request)


def download_archive(archive: RemoteFile, member: str, folder: Path, request: Request) -> None:
    """Downloads a tar archive and extracts a folder of it, which is whole or absent.

    An archive that is there already, whole, is extracted without a server, and stays; a downloaded one is removed.

    Args:
        archive: The archive.
        member: The folder in it; one of this name in `folder` is replaced.
        folder: Where it goes; it is made if need be.
        request: What it is for.

    Raises:
        InputError: The download failed, or the archive is broken or would write elsewhere; what it wrote is removed.
    """
    path = folder / archive.name
    temporary = _part(folder / member)

    def fetch() -> None:
        from torchvision.datasets.utils import check_integrity  # torchvision takes a second to import

        given = archive.md5 is not None and check_integrity(path, archive.md5)
        if not given:
            _fetch(archive, folder)
        _extract(path, member, temporary)
        if not given:
            path.unlink()

    try:
        download(fetch, [path, _part(path)], request)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART)


def _fetch(file: RemoteFile, folder: Path) -> None:
    """Downloads a file from the first of its addresses that works.

    Raises:
        OSError | RuntimeError | HTTPException: None works; gives the last one's reason.
    """
    from torchvision.datasets.utils import download_url  # torchvision takes a second to import

    part = _part(folder / file.name)
    failure: Exception | None = None
    for url in file.urls:
        try:
            answering([url])
            part.unlink(missing_ok=True)  # left by a killed download; torchvision would take it for the file
            download_url(url, folder, part.name, file.md5)
            os.replace(part, folder / file.name)
            return
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            failure = error
    raise failure


def _extract(archive: Path, member: str, temporary: Path) -> None:
    """Extracts a folder of an archive beside it, by way of a temporary folder.

    Raises:
        RuntimeError: The archive is broken, would write elsewhere, or has no such folder.
    """
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed download
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")  # which lets no path out of the folder
    except (tarfile.TarError, zlib.error) as error:
        reason = str(error).partition(":\n")[0]  # what follows is a line for each kind of compression that was tried
        raise RuntimeError(f"{archive.name}: {reason}") from error
    if not (temporary / member).is_dir():
        raise RuntimeError(f"{archive.name}: no folder {member} in it")
    target = archive.parent / member
    if target.exists():
        os.replace(target, temporary / "replaced")
    os.replace(temporary / member, target)


def download(fetch: Callable[[], object], files: Sequence[Path], request: Request) -> None:
    """Runs a download, and removes what it wrote if it fails.

    Args:
        fetch: Does the work.
        files: All that it writes; what is new of these and of their folders is removed when it fails.
        request: What it is for.

    Raises:
        InputError: The download failed.
    """
    folders = {folder for file in files for folder in file.parents}
    new_files = [path for path in files if not path.exists()]
    new_folders = sorted((path for path in folders if not path.exists()), key=lambda path: -len(path.parts))
    try:
        with giving_up():
            fetch()
    except BaseException as error:  # also a signal's
        for path in new_files:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        for path in new_folders:
            with contextlib.suppress(OSError):
                path.rmdir()
        if not isinstance(error, OSError | RuntimeError | EOFError | HTTPException):
            raise
        raise InputError(
            f"--data.data_dir {request.data_dir}: holds {request.holds}, and the download failed ({error}); "
            f"put {request.name} there, or try the built-in {request.stand_in} with --data.source synthetic"
        ) from error


@contextlib.contextmanager
def giving_up() -> Iterator[None]:
    """Makes a server that stalls an error: torch and torchvision set no timeout and would wait for ever."""
    waits = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLS_AFTER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(waits)


def answering(urls: Sequence[str]) -> str:
    """Returns the first of several addresses of one file whose server answers in time.

    Raises:
        OSError: None does; gives the last one's reason.
    """
    for url in urls:
        failure = _ask(url)
        if failure is None:
            return url
    raise failure


def _ask(url: str) -> OSError | None:
    """Asks a server for an address, and returns why it did not answer in time, or None.

    In a thread: neither the look-up of a name nor a proxy keeps to a socket's timeout.
    """
    outcome: list[OSError | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_WITHIN):
                outcome.append(None)
        except (OSError, ValueError, HTTPException) as error:
            outcome.append(OSError(f"{url}: {getattr(error, 'reason', error)}"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN)
    return outcome[0] if outcome else TimeoutError(f"{url}: no answer within {ANSWER_WITHIN:.0f} s")
