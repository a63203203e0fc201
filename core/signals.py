"""Ctrl-C and SIGTERM as requests to stop, which take effect at the end of a batch."""

import signal
import threading
from types import FrameType
from typing import Any


class StopRequest:
    """Records SIGINT and SIGTERM instead of stopping at once; a second signal raises KeyboardInterrupt immediately.

    Attributes:
        signum: Number of the received signal, or 0.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._previous: dict[int, Any] = {}

    def listen(self) -> None:
        """Installs the signal handlers; does nothing outside the main thread, where Python allows none."""
        self.signum = 0
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._previous[signum] = signal.signal(signum, self._receive)

    def release(self) -> None:
        """Restores the previous signal handlers."""
        for signum, handler in self._previous.items():
            signal.signal(signum, handler if handler is not None else signal.SIG_DFL)
        self._previous = {}

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.signum:
            raise KeyboardInterrupt
        self.signum = signum
