"""Ctrl-C, SIGTERM and SIGHUP as requests to stop, which take effect at the end of a batch."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from core.errors import Interrupted

HANG_UP = getattr(signal, "SIGHUP", None)  # which Windows does not have
USER = getattr(signal, "SIGUSR1", None)  # by which SLURM announces the end of a job's time
TOGETHER = 0.1  # seconds between signals that are one request: `timeout` signals a process, and then its group
SIGNALS = tuple(one for one in (signal.SIGINT, signal.SIGTERM, HANG_UP, USER) if one is not None)


class StopRequest:
    """Records signals instead of stopping at once; a second one raises KeyboardInterrupt immediately.

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
            raise KeyboardInterrupt
        if not self.signum:
            self.signum, self._since = signum, time.monotonic()


@contextmanager
def interrupts_in_one_line() -> Iterator[None]:
    """Turns Lightning's end after an unexpected Ctrl-C, which leaves the next one without effect, into an error.

    Raises:
        Interrupted: Ctrl-C has come.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise Interrupted("interrupted") from None
