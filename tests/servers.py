"""Servers on this machine that downloads come from: a good one, and four kinds of bad ones."""

import contextlib
import http.server
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest import mock


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


class Broken(Files):
    """Promises a whole file and sends the first bytes of it."""

    def copyfile(self, source: object, outputfile: object) -> None:
        """Sends a part."""
        outputfile.write(source.read(20))


class Rubbish(socketserver.StreamRequestHandler):
    """Answers in no known protocol."""

    def handle(self) -> None:
        """Answers."""
        self.rfile.readline()
        self.wfile.write(b"220 no web server\r\n")


class Dripping(socketserver.StreamRequestHandler):
    """Sends a byte now and then, which keeps a socket's timeout from ever passing."""

    def handle(self) -> None:
        """Answers for more than a second."""
        with contextlib.suppress(OSError):
            for _ in range(15):
                self.wfile.write(b"H")
                time.sleep(0.1)


@contextlib.contextmanager
def serving(handler: type[socketserver.BaseRequestHandler], folder: Path) -> Iterator[str]:
    """Runs a server without a proxy before it, of the files in a folder, and gives its address."""
    if issubclass(handler, Files):
        handler = partial(handler, directory=folder)
    with (
        mock.patch.dict(os.environ, no_proxy="127.0.0.1"),
        socketserver.TCPServer(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Gives the address of a server that takes calls and never answers."""
    with mock.patch.dict(os.environ, no_proxy="127.0.0.1"), socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """Gives an address at which nobody listens."""
    with mock.patch.dict(os.environ, no_proxy="127.0.0.1"), socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # held, so that no other program takes the port
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"
