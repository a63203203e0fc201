"""The server of the web application, which a signal ends in order."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from core.processes.signals import ENDS
from engine.serving.app import Application

PATIENCE = 2  # seconds in which answers under way may be completed once a signal has come


class Server(uvicorn.Server):
    """Says when it answers, and notes the signal that ends it; a second one ends it without patience.

    Args:
        config: The application and its settings.
        when_ready: Called once it answers.

    Attributes:
        signum: Number of the first signal, 0 if none has come.
    """

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.when_ready = when_ready
        self.signum = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets=sockets)
        self.when_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listens to signals during the block; those that are ignored stay so."""
        heard = [signum for signum in ENDS if signal.getsignal(signum) != signal.SIG_IGN]
        before = {signum: signal.signal(signum, self.handle_exit) for signum in heard}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes a signal."""
        self.force_exit, self.should_exit = self.should_exit, True
        self.signum = self.signum or sig
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers that are cut off are no faults


def answer_until_a_signal(app: Application, listener: socket.socket, when_ready: Callable[[], None]) -> int:
    """Answers requests; returns the number of the signal that ended it.

    Args:
        app: The application.
        listener: A socket that listens.
        when_ready: Called once requests are answered.
    """
    settings = {"log_level": "error", "access_log": False, "server_header": False, "lifespan": "off"}
    config = uvicorn.Config(app.starlette, timeout_graceful_shutdown=PATIENCE, **settings)
    server = Server(config, when_ready)
    try:
        server.run(sockets=[listener])
    finally:
        app.close()
    return server.signum
