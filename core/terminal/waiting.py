"""A line that a terminal shows while a person waits for something that prints nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from core.processes.ranks import launched_rank

_shown: list[str] = []


@contextmanager
def shown_while(text: str) -> Iterator[None]:
    """Shows a line during the block and takes it away at its end, on a terminal alone, and by the first process alone.

    Args:
        text: The line.
    """
    stream = sys.stderr
    if stream is None or not stream.isatty() or launched_rank() > 0:
        yield
        return
    _shown.append(text)
    stream.write(f"{text}\r")
    stream.flush()
    try:
        yield
    finally:
        take_away()


def take_away() -> None:
    """Takes the line away, if one is shown."""
    if _shown:
        sys.stderr.write(f"\r{' ' * len(_shown.pop())}\r")  # a terminal has put ^C at its beginning
        sys.stderr.flush()
