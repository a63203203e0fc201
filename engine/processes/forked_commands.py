"""Commands in processes of their own, forked from one that has imported what every run needs."""

import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, Generic, Protocol, Self, TypeVar

from core.code.installed import ROOT
from core.errors import InputError, RunFailed
from core.processes.signals import ENDS, StopRequest, take_late_signals_for_one
from core.processes.threads import cores, let_waiting_threads_sleep
from engine.processes.parent_watchdog import STARTER

# Importing these starts no threads of torch and does not touch a GPU, either of which would be lost by a fork.
IMPORTED = [
    "engine.processes.parent_watchdog",
    *("cli", "engine.cli.command", "matplotlib.figure", "torch.utils.tensorboard"),
    "engine.processes.forkserver_preload",
]
SHARED_DATA = "PRIMER_SHARED_DATA"  # environment variable: words of the command whose data is loaded before any fork
FAULTS = (1, 2)  # exit codes of commands that failed; others are of signals
LOOK_EVERY = 0.5  # seconds, for time, signals and what other processes do

_METHOD = "forkserver" if sys.platform == "linux" else "spawn"  # macOS's own libraries do not stand a fork
_CONTEXT = multiprocessing.get_context(_METHOD)
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def share_cores(processes: int) -> None:
    """Gives each of some processes that are started later its share of the cores, unless the user has decided.

    A single process has as many threads as torch chooses.
    """
    if processes > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // processes)))


def share_data(argv: list[str]) -> None:
    """Has the data of a command loaded once, for all commands of the same data that are started later.

    It acts before the first command is started, and where processes are forked and have one thread each.

    Args:
        argv: What follows `cli.py`.
    """
    os.environ[SHARED_DATA] = json.dumps(argv)
    try:
        if _METHOD == "forkserver":
            _make_server()
    finally:
        del os.environ[SHARED_DATA]


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a function of a module in a process of its own, which has the imports; returns its result.

    Raises:
        InputError: The function has raised it.
        RunFailed: It has raised another error, or its process was ended.
    """
    if _METHOD == "forkserver":
        _make_server()
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _started(_answer, theirs, function, arguments)
    theirs.close()
    try:
        kind, answer = ours.recv()
    except EOFError:
        process.join()
        signum = -(process.exitcode or 0)
        how = f"was ended by signal {signum}" if signum > 0 else "has ended early"
        raise RunFailed(f"{function.__name__}: its process {how}") from None
    finally:
        ours.close()
    process.join()
    if kind == "result":
        return answer
    raise (InputError if kind == "input" else RunFailed)(answer)


def _answer(connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    _begin_apart()
    try:
        answer = "result", function(*arguments)
    except InputError as error:
        answer = "input", str(error)
    except Exception as error:
        answer = "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"
    with contextlib.suppress(BrokenPipeError):  # who asked has been interrupted
        connection.send(answer)


def start_command(argv: list[str], log: Path) -> BaseProcess:
    """Starts a command line in a process of its own.

    The process is forked from a server process that has imported everything. The first call starts the server, so that
    environment variables which libraries read at import have their values of that time. Where processes cannot be
    forked, each imports for itself.

    Args:
        argv: What follows `cli.py`.
        log: File that takes what the command prints, behind what it holds.

    Returns:
        The process. SIGTERM ends it at any time; while it trains, it saves first. It also ends so when the process that
        started it ends. A terminal's Ctrl-C does not reach it, except on Windows, where that alone lets it save.
    """
    if _METHOD == "forkserver":
        _make_server()
    return _started(_run, argv, str(log), dict(os.environ))


def _started(function: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Returns a process that has been started to call a function."""
    _complete_main()
    process = _CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


class HasProcess(Protocol):
    """What is made in a process of its own."""

    process: BaseProcess


Job = TypeVar("Job", bound=HasProcess)


class Jobs(Generic[Job]):
    """Commands that run side by side; leaving the context ends those that are left, which save themselves.

    Attributes:
        running: The jobs that have not been taken out.
        stopping: Whether they have been asked to end.
    """

    def __init__(self) -> None:
        self.running: list[Job] = []
        self.stopping = False
        self._request = StopRequest()

    @property
    def signum(self) -> int:
        """The signal that asks for an end, 0 if none has come."""
        return self._request.signum

    def __enter__(self) -> Self:
        self._request.listen()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping = True
        for job in self.running:  # those of a caller that went away, or once more after a second Ctrl-C
            job.process.terminate()
        for job in self.running:
            job.process.join()
        self._request.release()

    def stop(self) -> None:
        """Tells all to save and end; does nothing when called again.

        On Windows `terminate` ends a process before it can save, but a terminal's Ctrl-C has reached them all.
        """
        were_told = sys.platform == "win32" and self.signum == signal.SIGINT
        if not self.stopping and not were_told:
            for job in self.running:
                job.process.terminate()
        self.stopping = True

    def ended(self) -> list[Job]:
        """Returns those whose process has ended."""
        return [job for job in self.running if job.process.exitcode is not None]

    def wait(self) -> None:
        """Waits until one ends, or for a moment, after which the caller looks for time and signals."""
        wait([job.process.sentinel for job in self.running], LOOK_EVERY)


def _complete_main() -> None:
    """Gives the main module what Python looks for in it, and what a notebook's `%run` leaves out."""
    vars(sys.modules["__main__"]).setdefault("__spec__", None)


def _make_server() -> None:
    """Starts the process with the imports, unless it runs; a signal to a whole group of processes does not end it."""
    from multiprocessing import forkserver, resource_tracker  # not on every system

    let_waiting_threads_sleep()
    _complete_main()
    _CONTEXT.set_forkserver_preload(IMPORTED)
    resource_tracker.ensure_running()  # which changes the blocked signals
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    paths = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([paths] if paths else [])])  # no installed copy of this
    os.environ[STARTER] = str(os.getpid())
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"], os.environ[STARTER]
        os.environ.update({"PYTHONPATH": paths} if paths else {})
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _run(argv: list[str], log: str, environment: dict[str, str]) -> None:
    """Becomes a command, as if it had been typed."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for stream in (1, 2):
        os.dup2(file, stream)  # for the libraries, which were imported with the streams of then
    os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (for the rest of the process)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(ROOT / "cli.py"), *argv]
    multiprocessing.set_start_method(None, force=True)  # this process's own method would be its children's
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        _begin_apart()
        code = import_module("cli").main(argv)  # the entry point, which stands above all else
    except KeyboardInterrupt:  # before it could listen
        code = 128 + signal.SIGINT
    sys.exit(code)


def _begin_apart() -> None:
    """Detaches this process from the terminal's signals, and ends it when the process that started it ends."""
    if sys.platform == "win32":
        return
    take_late_signals_for_one(2 * LOOK_EVERY)
    os.setpgrp()  # out of the terminal's foreground group, where Ctrl-C would be a second signal
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGTERM)  # the parent is the server
    threading.Thread(target=_end_with_beginner, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)  # a signal that came while they were blocked acts now


def _end_with_beginner() -> None:
    """Waits for the end of the process that started this one, which can be killed, and ends this one then."""
    wait([multiprocessing.parent_process().sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Ends a command that does not listen to signals, such as one that has not begun to train, as Ctrl-C does."""
    raise KeyboardInterrupt
