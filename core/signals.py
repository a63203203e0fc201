"""Ctrl-C and SIGTERM as requests that are met at the end of a batch."""

import signal
import threading
from types import FrameType
from typing import Any


class StopRequest:
    """Holds SIGINT and SIGTERM back until somebody asks; a second signal acts at once.

    Attributes:
        signum: Number of the signal that was received, or 0.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._previous: dict[int, Any] = {}

    def listen(self) -> None:
        """Takes over the signals; nothing happens outside the main thread, where Python allows no handlers."""
        self.signum = 0
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._previous[signum] = signal.signal(signum, self._receive)

    def release(self) -> None:
        """Gives the signals back."""
        for signum, handler in self._previous.items():
            signal.signal(signum, handler if handler is not None else signal.SIG_DFL)
        self._previous = {}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.signum:
            raise KeyboardInterrupt
        self.signum = signum
