"""Which trial a process works on: a lock that ends with the process."""

import contextlib
from pathlib import Path

from filelock import FileLock, Timeout

from engine.runs.trial_file import Trial


class Claim:
    """A trial that this process works on, until it is released or the process ends.

    Args:
        trial: The trial.
        lock: What keeps others from it.
    """

    def __init__(self, trial: Trial, lock: FileLock) -> None:
        self.trial = trial
        self._lock = lock

    def release(self) -> None:
        """Leaves the trial to others."""
        self._lock.release()


def is_free(lock: Path) -> bool:
    """Returns whether nobody holds a lock."""
    if not lock.exists():
        return True
    with contextlib.suppress(Timeout), FileLock(lock).acquire(timeout=0):
        return True
    return False
