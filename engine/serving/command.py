"""The command `serve`: a page and a JSON endpoint for the network of a run, on this machine alone."""

import argparse
import socket
from typing import Any, NoReturn

from core.code.installed import installs
from core.errors import InputError, RunInterrupted
from core.processes.threads import let_waiting_threads_sleep
from core.terminal.one_line_parser import OneLineParser
from core.terminal.printable import printable
from engine.settings.overview import typed_command

LOOPBACK = "127.0.0.1"
PORT, LAST_PORT = 8000, 65535
WAITING = 128  # clients that may wait to be let in
DESCRIPTION = """\
Serves the network of a run, with the weights of its best checkpoint: a page where pictures are dropped or texts typed,
and a JSON endpoint. Only programs of this machine reach it. Other options are those of predict.
"""


def serve(argv: list[str]) -> NoReturn:
    """Runs the command until a signal ends it.

    Args:
        argv: What follows `serve`.

    Raises:
        InputError: There is no such run, its network cannot be asked, or the port is taken.
        RunInterrupted: The signal has come.
    """
    arguments, others = _parser().parse_known_args(argv)
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(f"serve needs {error.name}; {installs('serve')}") from error
    listener = _listen(arguments.port)
    let_waiting_threads_sleep()
    from core.terminal.console import print_line
    from engine.restored_model import RestoredModel
    from engine.serving.app import Application
    from engine.serving.page import make_page
    from engine.serving.server import answer_until_a_signal
    from engine.serving.services import service_of

    with listener:
        trained = RestoredModel("serve", arguments.ckpt_path, others)
        service = service_of(trained.model, trained.datamodule)
        about = _about(trained, service)
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        app = Application(service, make_page(about, url), about)
        print_line(f"weights  {trained.measured}")
        signum = answer_until_a_signal(app, listener, lambda: print_line(f"serving  {url} (Ctrl-C ends it)"))
    print_line("ended")
    raise RunInterrupted(signum)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(f"{typed_command()} serve", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--ckpt_path", metavar="RUN", help="run folder or checkpoint whose network is served")
    parser.add_argument("--port", type=_port, default=PORT, help=f"port on {LOOPBACK}; 0 for any free one ({PORT})")
    return parser


def _port(text: str) -> int:
    """Returns the number of a port."""
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to {LAST_PORT} is needed; 0 takes any free one")
    return int(text)


def _listen(port: int) -> socket.socket:
    """Returns a socket on this machine's own address.

    Raises:
        InputError: The port is taken, or needs more rights.
    """
    listener = socket.socket()
    # a port that was just left can be taken at once; on Windows that would let two programs have one at a time
    listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(WAITING)  # whoever comes before the network is there waits for it
    except OSError as error:
        listener.close()
        raise InputError(f"--port {port}: cannot be used ({error.strerror}); 0 takes any free one") from error
    return listener


def _about(trained: Any, service: Any) -> dict[str, Any]:
    """Returns what the page and the endpoint say about a network."""
    about = {
        "network": type(trained.model).__name__,
        "data": printable(trained.data_name),
        "weights": printable(trained.measured),
        "run": trained.run_name and printable(trained.run_name),  # a folder's name may be no UTF-8
        "kind": service.kind,
    }
    return about | service.about()
