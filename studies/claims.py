"""Which trial a process works on: a lock that ends with the process."""

import contextlib
from pathlib import Path

from filelock import FileLock, Timeout

from core.files.file_locks import acquire, file_lock
from engine.runs.trial_file import Trial

CLAIMS = ".claims"  # folder of the locks, in that of a study


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


def claim_trial(trial: Trial, locks: Path) -> Claim | None:
    """Takes a trial, unless somebody works on it, or its run lives on after the end of who began it.

    Args:
        trial: The trial.
        locks: Folder of the study's locks.
    """
    lock = file_lock(locks / f"{trial.number:04}")
    with contextlib.suppress(Timeout):
        acquire(lock, 0)
        if is_free(trial.folder / ".lock"):
            return Claim(trial, lock)
        lock.release()
    return None


def is_free(lock: Path) -> bool:
    """Returns whether nobody holds a lock, which may be a file of somebody else that cannot be written."""
    if not lock.exists():
        return True
    try:
        taken = file_lock(lock)
        acquire(taken, 0)
        taken.release()
        return True
    except Timeout:
        return False
    except OSError:  # the right to write is missing, or the disk can only be read, or has no locks
        return _can_be_shared(lock)


def _can_be_shared(lock: Path) -> bool:
    """Returns whether nobody holds a lock alone, which takes no right to write; False where that cannot be known."""
    try:
        import fcntl  # of Unix

        with open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:  # released meanwhile
        return True
    except (OSError, ImportError):
        return False
    return True
