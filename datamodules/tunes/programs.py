"""Programs of other projects that are run where they are installed: without a shell, and with a time limit."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 60  # that a program may take


def is_installed(program: str) -> bool:
    """Returns whether a program is found."""
    return shutil.which(program) is not None


def run_program(command: Sequence[str], folder: Path, seconds: float = SECONDS) -> bool:
    """Runs a program in a folder, with no input and its output dropped.

    Args:
        command: Name of the program, and its arguments.
        folder: Where it runs.
        seconds: Time limit.

    Returns:
        Whether it is installed and ended well in time.
    """
    path = shutil.which(command[0])
    if path is None:
        return False
    try:
        done = subprocess.run(
            [path, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
