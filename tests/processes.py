"""The command in processes of its own, for tests that need to strike one down."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def start(*argv: object) -> subprocess.Popen[str]:
    """Starts the command line; what it prints is kept."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def finish(process: subprocess.Popen[str], within: float = 120) -> tuple[int, str]:
    """Waits for a process; returns its exit code and what it printed."""
    try:
        output, _ = process.communicate(timeout=within)
    finally:
        process.kill()
    return process.returncode, output


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], within: float = 90) -> None:
    """Waits for a condition that a running process brings about."""
    end = time.monotonic() + within
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def descendants(pid: int) -> list[int]:
    """Returns the processes that a process has started, on Linux."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
