"""Files that are damaged or invented, and what reads them: each reader either reads or says in one line why not."""

import contextlib
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from core.errors import InputError
from core.terminal.printable import printable

SECONDS, BYTES = 30, 3 * 2**30  # that one file may take
EXTREMES = [
    *(b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01"),
    *(b"0", b"-1", b"1e999", b"nan", b"0.5", b"99999999999999999999", b"9" * 5000, b"1_0", "٣".encode()),
    *(b"\n", b"\r", b"\t", b" ", b",", b";", b"|", b'"', b"'", b"#", b":", b"/", b"\\", b"%", b"&", b"*", b"!"),
    *(b"[", b"]", b"{", b"}", b"(", b")", b"<", b">", b"null", b"true", b"[[", b'{"a":', b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"\xed\xa0\x80", "é漢\u2028\x85\x0b".encode(), b"\x1b[31m", b" " * 40, b"a" * 300),
]


@dataclass(frozen=True)
class Reader:
    """What reads files of one kind.

    Attributes:
        name: Name of the file that is read.
        examples: Returns whole files.
        read: Reads a file.
        pieces: What such files are made of, from which others are invented.
        raises: What it raises for a file that it cannot read.
    """

    name: str
    examples: Callable[[], Sequence[bytes]]
    read: Callable[[Path], Any]
    pieces: Sequence[bytes] = ()
    raises: tuple[type[Exception], ...] = (InputError,)

    def contents(self) -> st.SearchStrategy[bytes]:
        """Returns a strategy of files: whole ones that are damaged, and invented ones."""
        examples, pieces = list(self.examples()), [*EXTREMES, *self.pieces]
        invented = st.lists(_repeated(pieces), max_size=25).map(b"".join)
        return st.one_of(_damaged(examples, pieces), _damaged(examples, pieces), invented, st.binary(max_size=200))

    def check(self, content: bytes, folder: Path) -> None:
        """Reads a file; fails unless it is read, or refused in one line, in bounded time and memory."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with bounded():
            try:
                self.read(path)
            except self.raises as error:
                message = printable(str(error))
                assert message.strip(), "no reason"
                assert len(message.split("\n")) == 1, message


def _repeated(pieces: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Returns a strategy of pieces, which now and then stand there many times."""
    times = st.sampled_from([1] * 12 + [2, 3, 60, 3000])
    return st.builds(lambda piece, n: piece * n, st.sampled_from(pieces) | st.binary(max_size=4), times)


@st.composite
def _damaged(draw: st.DrawFn, examples: Sequence[bytes], pieces: Sequence[bytes]) -> bytes:
    content = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        end = place + draw(st.sampled_from([1, 2, 4, 8, 50, 1000]))
        kind = draw(st.sampled_from(["cut", "drop", "insert", "replace", "repeat"]))
        if kind == "cut":
            content = content[:place]
        elif kind == "drop":
            content = content[:place] + content[end:]
        elif kind == "repeat":
            content = content[:place] + content[place:end] * draw(st.sampled_from([2, 3, 100])) + content[end:]
        else:
            piece = draw(_repeated(pieces))
            content = content[:place] + piece + content[place + (len(piece) if kind == "replace" else 0) :]
    return content


@contextlib.contextmanager
def bounded(seconds: int = SECONDS, size: int = BYTES) -> Iterator[None]:
    """Fails a block that takes too long, or asks for far more memory than there was before."""

    def late(*_: object) -> None:
        raise AssertionError(f"not read in {seconds} s")

    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = Path("/proc/self/statm")
    if pages.exists():
        now = int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + size, before[1]))
    handler = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    except MemoryError as error:
        raise AssertionError(f"asks for more than {size / 2**30:.0f} GiB") from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)
