"""The command in processes of its own, for tests that kill one or need several.

The processes are forked from one that has imported the command already: an import takes longer than most of these runs.
On Linux that is a copy of the process that runs the tests, as it is before the first of them.
"""

import contextlib
import importlib
import io
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from subprocess import TimeoutExpired
from types import ModuleType
from unittest.mock import patch

import pytest

from tests import shortcuts

ROOT = Path(__file__).parent.parent

_CONTEXT = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
IMPORTED = ["cli", "engine.cli.command", "matplotlib.figure", "torch.utils.tensorboard"]
IMPORTED += ["tests.tiny", "tests.tiny_text"]
if sys.platform != "win32":
    _CONTEXT.set_forkserver_preload(IMPORTED)


def run_once() -> None:
    """Trains and tests for a step, so that processes that are forked from this one have all that a run needs."""
    import cli
    from tests.tiny import TINY_CONFIG

    said = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        patch.chdir(folder)
        patch.setattr("sys.argv", ["cli.py"])
        patch.delenv("PRIMER_RUN_FOLDER", raising=False)
        patch.setenv("XDG_STATE_HOME", folder)  # where the list of known code is
        patch.setattr("engine.trainer.keep_freed_memory", lambda: None)  # each process decides on its own memory
        Path("tiny.yaml").write_text(TINY_CONFIG)
        fit, test = "fit --config tiny.yaml --run_dir run --trainer.max_steps 1", "test --ckpt_path run"
        for words in (fit, test):
            assert cli.main(words.split()) == 0, said.getvalue()
        patch.delenv("PRIMER_RUN_FOLDER", raising=False)


def fork_server() -> None:
    """Makes a copy of this process the one that others are forked from, where that is safe; else one is started later.

    A GPU that a process has looked at is lost by a fork, and the interface is Python's own up to release 3.13.
    """
    import torch

    if sys.platform != "linux" or sys.version_info >= (3, 14) or torch.cuda.is_available():
        return
    from multiprocessing import connection, forkserver

    for name in IMPORTED:
        importlib.import_module(name)
    address = connection.arbitrary_address("AF_UNIX")
    alive, ours = os.pipe()  # the server ends when nobody holds the other end
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        os.chmod(address, 0o600)
        listener.listen()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _warn_as_python_does()
            sys.modules["__main__"] = ModuleType("__main__")  # which Lightning starts again for a second process
            try:
                forkserver.main(listener.fileno(), alive, [])
            finally:
                os._exit(0)
    os.close(alive)
    server = forkserver._forkserver
    server._forkserver_address, server._forkserver_alive_fd, server._forkserver_pid = address, ours, pid


def start_function(function: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    """Calls a function of a module in a process of its own."""
    process = _CONTEXT.Process(target=function, args=arguments)
    # the first start makes the server, which is to import this project and not an installed copy of it
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        process.start()
    return process


def run_apart(words: list[str], folder: str, output: str = os.devnull) -> None:
    """Runs the command in a process of its own, with a server of its own for what it starts, forked in no time.

    Args:
        words: What follows `cli.py`.
        folder: Its current folder.
        output: File that takes what it prints, behind what it holds.
    """
    os.chdir(folder)
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (for the rest of the process)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.pop("PRIMER_RUN_FOLDER", None)
    sys.argv = [str(ROOT / "cli.py"), *words]
    fork_server()
    code = importlib.import_module("cli").main(words)
    sys.stdout.flush()
    sys.exit(code)


def _warn_as_python_does() -> None:
    """Takes back pytest's filters, by which warnings are errors."""
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)


class CommandProcess:
    """A running command line, with the methods of `subprocess.Popen` that tests use.

    Args:
        argv: What follows `cli.py`.
        restarts: How often torchrun, which begins two processes of it, begins anew; not by torchrun if not given.
        variables: Environment variables beside those of this process.
    """

    def __init__(self, argv: list[str], restarts: int | None = None, **variables: str) -> None:
        descriptor, name = tempfile.mkstemp(suffix=".txt")
        os.close(descriptor)
        self._output = Path(name)
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
        function, more = (_run, ()) if restarts is None else (_run_elastic, (restarts,))
        self._process = start_function(function, argv, os.getcwd(), dict(environment), name, *more)
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative after a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Returns the exit code, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        """Sends a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """Kills it, if it runs."""
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Waits for its end; returns what it printed.

        Raises:
            TimeoutExpired: It has not ended in time.
        """
        self._process.join(timeout)
        printed = self._output.read_text(errors="replace") if self._output.exists() else ""
        if self.poll() is None:
            raise TimeoutExpired("cli.py", timeout or 0.0, printed)
        self._output.unlink(missing_ok=True)
        return printed, None


class CommandRanks:
    """The processes of one run on several devices, each started from outside, as by `torchrun`.

    Args:
        argv: What follows `cli.py`.
        world_size: Number of processes.
    """

    def __init__(self, argv: list[str], world_size: int = 2) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": "0", "WORLD_SIZE": str(world_size)}
        self.ranks = [CommandProcess(argv, LOCAL_RANK=str(rank), **meeting) for rank in range(world_size)]

    @property
    def returncode(self) -> int | None:
        """The first process's exit code."""
        return self.ranks[0].returncode

    def poll(self) -> int | None:
        """Returns the first process's exit code, or None while it runs."""
        return self.ranks[0].poll()

    def send_signal(self, signum: int) -> None:
        """Sends a signal to the first process alone."""
        self.ranks[0].send_signal(signum)

    def kill(self) -> None:
        """Kills all that run."""
        for rank in self.ranks:
            rank.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Waits for the end of all; returns what they printed, one after the other.

        Raises:
            TimeoutExpired: One has not ended in time.
        """
        return "".join(rank.communicate(timeout)[0] for rank in self.ranks), None


def _run(argv: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    """Becomes the command, in a process of its own."""
    _settle(folder, environment, output)
    sys.exit(_command(argv))


def _run_elastic(argv: list[str], folder: str, environment: dict[str, str], output: str, restarts: int) -> None:
    """Becomes `torchrun --nproc-per-node 2` of the command, whose processes it forks in place of starting them."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    _settle(folder, environment, output)
    meeting = {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0", "run_id": "tests", "local_addr": "localhost"}
    config = LaunchConfig(1, 1, 2, max_restarts=restarts, start_method="fork", **meeting)
    try:
        elastic_launch(config, run_or_exit)(argv)
    except ChildFailedError:
        sys.exit(1)


def _settle(folder: str, environment: dict[str, str], output: str) -> None:
    """Gives this process a folder, environment variables, and a file for what it prints."""
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (for the rest of the process)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


def _command(argv: list[str]) -> int:
    """Runs the command; returns its exit code."""
    sys.argv = [str(ROOT / "cli.py"), *argv]
    from pytorch_lightning.utilities import rank_zero_only

    import cli

    # which Lightning reads when it is imported
    rank_zero_only.rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", 0)))
    shortcuts.take_all()
    code = cli.main()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def run_or_exit(argv: list[str]) -> None:
    """Runs the command, and ends the process if it fails."""
    for signum in (signal.SIGTERM, signal.SIGINT):  # which the agent handles, of which this is a copy
        signal.signal(signum, signal.SIG_DFL)
    if code := _command(argv):
        sys.exit(code)


def start(*argv: object) -> CommandProcess:
    """Starts the command line; what it prints is kept."""
    return CommandProcess([str(word) for word in argv])


def start_ranks(*argv: object) -> CommandRanks:
    """Starts the command line in two processes that find each other by environment variables."""
    return CommandRanks([str(word) for word in argv])


def start_elastic(*argv: object, restarts: int) -> CommandProcess:
    """Starts the command line in two processes by torchrun's agent, which begins them anew when one is killed."""
    return CommandProcess([str(word) for word in argv], restarts=restarts)


def finish(process: CommandProcess | CommandRanks, within: float = 120) -> tuple[int | None, str]:
    """Waits for a process; returns its exit code and what it printed."""
    try:
        output, _ = process.communicate(timeout=within)
    finally:
        process.kill()
    return process.returncode, output


def wait_until(condition: Callable[[], bool], process: CommandProcess | CommandRanks, within: float = 90) -> None:
    """Waits for a condition that a running process brings about."""
    end = time.monotonic() + within
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def stop_two(config: Path, run: Path, *settings: object) -> None:
    """Trains slowly in two processes, and stops them with a signal to one of them after the first checkpoint.

    Args:
        config: The config of the run.
        run: The run's folder.
        settings: More of the command line, such as how two processes share the work.
    """
    slow = ("--trainer.callbacks", "tests.tiny.Slow", "--trainer.max_epochs", 30)
    process = start_ranks("fit", "--config", config, "--run_dir", run, *settings, *slow)
    wait_until(lambda: (run / "checkpoints" / "last.ckpt").exists(), process)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 143, output


def descendants(pid: int) -> list[int]:
    """Returns the processes that a process has started, on Linux."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
