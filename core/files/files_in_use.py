"""Files that another program has open: Windows lets nobody replace them as long as that lasts."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import RunFailed

SECONDS = 5.0  # to wait for a program that only reads a file, such as a virus scanner, or a command that tests a run
LOOK_EVERY = 0.05  # seconds


class FileInUse(RunFailed):
    """A file could not be replaced on Windows, most likely because another program has it open."""


def is_in_use(error: BaseException) -> bool:
    """Returns whether an error is what Windows says of a file that another program has open."""
    return sys.platform == "win32" and isinstance(error, PermissionError)


def rename(source: Path, target: Path) -> None:
    """Gives a file or a folder another name, and replaces the file of that name; waits on Windows if one is in use.

    Raises:
        OSError: It cannot be renamed.
    """
    end = time.monotonic() + SECONDS
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if not is_in_use(error) or time.monotonic() > end:
                raise
        time.sleep(LOOK_EVERY)


@contextlib.contextmanager
def passing_over_files_in_use(later: str) -> Iterator[None]:
    """Has a run go on, with a note, if a file that it replaces again and again is in use.

    Args:
        later: When it is replaced, for the note.
    """
    try:
        yield
    except FileInUse as error:
        # it imports Lightning, which commands that only write a file do not need
        from core.terminal.console import print_line

        print_line(f"note: {error}; close it in other programs; {later}")
