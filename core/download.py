"""Downloads that are given up in time, fail in one line and leave nothing half-made behind."""

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException
from pathlib import Path

from core.errors import InputError

ANSWER_WITHIN = 8.0  # seconds that a server has to answer
STALLS_AFTER = 30.0  # seconds without a byte after which a download has failed


def download(
    fetch: Callable[[], object],
    files: Sequence[Path],
    data_dir: Path,
    holds: str,
    name: str,
    stand_in: str = "pictures",
) -> None:
    """Runs a download.

    Args:
        fetch: Does the work, by `answering` and torchvision.
        files: All that it writes; what is new of these and of their folders goes again when it fails.
        data_dir: The folder that the user named.
        holds: What that folder holds instead of the data set, for the message.
        name: Name of the data set, for the message.
        stand_in: What the synthetic source makes instead, for the message.

    Raises:
        InputError: The download failed.
    """
    folders = {folder for file in files for folder in file.parents}
    new_files = [path for path in files if not path.exists()]
    new_folders = sorted((path for path in folders if not path.exists()), key=lambda path: -len(path.parts))
    try:
        with giving_up():
            fetch()
    except BaseException as error:  # a signal's, too
        for path in new_files:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        for path in new_folders:
            with contextlib.suppress(OSError):
                path.rmdir()
        if not isinstance(error, OSError | RuntimeError | EOFError | HTTPException):
            raise
        raise InputError(
            f"--data.data_dir {data_dir}: holds {holds}, and the download failed ({error}); "
            f"put {name} there, or try the built-in {stand_in} with --data.source synthetic"
        ) from error


@contextlib.contextmanager
def giving_up() -> Iterator[None]:
    """Makes a server that stalls an error: torch and torchvision set no timeout, and it would hold us for good."""
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
