"""Ctrl-C, SIGTERM and SIGHUP: as requests to stop at the end of a batch, or as an end at once in one line."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from core.errors import Interrupted
from core.processes.ranks import launched_local_rank
from core.terminal.waiting import take_away

HANG_UP = getattr(signal, "SIGHUP", None)  # which Windows does not have
USER = getattr(signal, "SIGUSR1", None)  # by which SLURM announces the end of a job's time
TOGETHER = 0.1  # seconds between signals that are one request: `timeout` signals a process, and then its group
ENDS = tuple(one for one in (signal.SIGINT, signal.SIGTERM, HANG_UP) if one is not None)  # that end a process
SIGNALS = tuple(one for one in (*ENDS, USER) if one is not None)


def take_late_signals_for_one(seconds: float) -> None:
    """Sets for this process within how many seconds signals are one request.

    A signal to all processes of a service or of a job reaches also those whose starter passes it on a little later.
    """
    global TOGETHER
    TOGETHER = seconds


class StopRequest:
    """Records signals instead of stopping at once; a second one raises `Interrupted` immediately.

    SIGHUP, which a terminal that closes may send twice, is no such second one; under `nohup` it is ignored as before.
    SIGUSR1 is left to whoever else listens to it, and what follows it, as SLURM's SIGTERM, is no second one either.

    Attributes:
        signum: Number of the received signal, or 0.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._since = 0.0
        self._previous: dict[int, Any] = {}

    def listen(self) -> None:
        """Installs the signal handlers; does nothing outside the main thread, where Python allows none."""
        self.signum = 0
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in SIGNALS:
            if signum == HANG_UP and signal.getsignal(signum) == signal.SIG_IGN:
                continue
            if signum == USER and signal.getsignal(signum) != signal.SIG_DFL:
                continue
            self._previous[signum] = signal.signal(signum, self._receive)

    def release(self) -> None:
        """Restores the previous signal handlers."""
        for signum, handler in self._previous.items():
            signal.signal(signum, handler if handler is not None else signal.SIG_DFL)
        self._previous = {}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.signum not in (0, USER) and signum != HANG_UP and time.monotonic() - self._since >= TOGETHER:
            raise Interrupted(signum)
        if not self.signum:
            self.signum, self._since = signum, time.monotonic()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Lets each signal that ends a process by default end the block by `Interrupted`, and so in one line.

    While modules are imported it ends the process at once: a library in the middle of that may take the exception for
    a fault of its own, or lose it. Signals that are ignored, or that others handle, are left to them.
    """
    owner, taken = os.getpid(), {}

    def end(signum: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a copy of this process, such as one that loads data
            signal.signal(signum, before := taken[signum])
            return before(signum, frame) if callable(before) else signal.raise_signal(signum)
        if _is_importing(frame):
            end_at_once(128 + signum, "error: interrupted")
        raise Interrupted(signum)

    if threading.current_thread() is threading.main_thread():
        for signum in ENDS:
            if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):
                taken[signum] = signal.signal(signum, end)
    try:
        yield
    finally:
        for signum, handler in taken.items():
            signal.signal(signum, handler)


def end_at_once(code: int, line: str = "") -> NoReturn:
    """Ends the process without what Python does at its end, which takes torch a second.

    Args:
        code: The exit code.
        line: What is said, by the first process of a run on each machine; nothing if empty.
    """
    take_away()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, or interrupted in the middle of a line
            stream.flush()
    if line and launched_local_rank() == 0:
        with suppress(OSError):
            os.write(2, f"{line}\n".encode())
    os._exit(code)


def leave_at_next_signal(code: int) -> None:
    """Lets a signal that comes after the work is done end the process at once, with the exit code that it has."""
    if threading.current_thread() is threading.main_thread():
        for signum in ENDS:
            if signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, lambda *_: end_at_once(code))


def _is_importing(frame: FrameType | None) -> bool:
    """Returns whether what runs in a frame was called by an import."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextmanager
def interrupts_in_one_line() -> Iterator[None]:
    """Turns Lightning's end after an unexpected Ctrl-C, which leaves the next one without effect, into an error.

    Raises:
        Interrupted: Ctrl-C has come, or another signal that ends a call.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise Interrupted(getattr(end.__context__, "signum", signal.SIGINT)) from None
