"""Standard output and error that may be closed or full: what cannot be written is dropped, and the work goes on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class LastingStream:
    """A text stream that never fails: once it cannot be written, it takes everything and keeps nothing.

    Args:
        stream: The stream, whose attributes are available on this object, too.

    Attributes:
        failure: The error that ended it, if one has.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of the stream."""
        return getattr(self.stream, name)

    def isatty(self) -> bool:
        """Returns whether it is a terminal, which one that is closed is not."""
        try:
            return self.stream.isatty()
        except (OSError, ValueError, AttributeError):
            return False

    def write(self, text: str) -> int:
        """Writes a text."""
        if self.failure is None:
            try:
                return self.stream.write(text)
            except UnicodeError:  # the writer's fault, not the reader's
                raise
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Writes what is buffered."""
        if self.failure is None:
            try:
                self.stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.failure = error
        with suppress(OSError, ValueError, AttributeError):  # closed, or without a file, as in a notebook
            _discard(self.stream.fileno())


@contextmanager
def lasting_streams() -> Iterator[LastingStream]:
    """Lets standard output and error be closed, full, or missing from the beginning; yields standard output."""
    for descriptor in range(3):  # a file that takes the number of one would get what is printed
        try:
            os.fstat(descriptor)
        except OSError:
            _discard(descriptor)
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stdout, sys.stderr = (LastingStream(one or nowhere) for one in before)
        try:
            yield sys.stdout
        finally:
            sys.stdout.flush()
            sys.stdout, sys.stderr = before


def _discard(descriptor: int) -> None:
    """Lets a file descriptor lead to nowhere, for what is written past Python, and at the end of the process."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
