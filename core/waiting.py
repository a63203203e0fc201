"""A line that a terminal shows while a person waits for something that prints nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shown_while(text: str) -> Iterator[None]:
    """Shows a line during the block and takes it away at its end, on a terminal alone, and by the first process alone.

    Args:
        text: The line.
    """
    stream = sys.stderr
    if stream is None or not stream.isatty() or os.environ.get("LOCAL_RANK", "0") != "0":
        yield
        return
    stream.write(f"{text}\r")
    stream.flush()
    try:
        yield
    finally:
        stream.write(f"{' ' * len(text)}\r")
        stream.flush()
