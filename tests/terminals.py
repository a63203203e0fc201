"""A program in a terminal, into which a test types."""

import contextlib
import os
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Self

SECONDS = 30.0  # that an answer may take on a busy machine
# Makes the terminal the session's own, by which shells take keys such as Ctrl-C; then becomes the program.
TAKE_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A running program whose streams are a terminal of its own.

    Args:
        command: Words of the program.
        variables: Environment variables beside those of this process.
    """

    def __init__(self, command: list[str], **variables: str) -> None:
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (50, 200))
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", TAKE_TERMINAL, *command],
            **{"stdin": theirs, "stdout": theirs, "stderr": theirs},
            env=os.environ | {"TERM": "xterm"} | variables,
            start_new_session=True,
        )
        os.close(theirs)
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(10)
        os.close(self._ours)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # once its other end is closed
            while part := os.read(self._ours, 4096):
                self._shown += part

    @property
    def shown(self) -> str:
        """What the terminal was sent so far."""
        return self._shown.decode(errors="replace")

    def type(self, text: str, answer: str) -> str:
        """Types a text, and waits for an answer behind what was there before.

        Returns:
            What has come since.

        Raises:
            AssertionError: It has not come in time.
        """
        before = len(self._shown)
        os.write(self._ours, text.encode())
        end = time.monotonic() + SECONDS
        while answer not in (since := self._shown[before:].decode(errors="replace")):
            assert time.monotonic() < end, f"{answer!r} is not in {since!r}"
            time.sleep(0.01)
        return since


def program(path: Path, text: str) -> Path:
    """Writes a program that can be started by its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path
