"""The folder that a run leaves behind: `runs/<name>/<YYYYmmdd-HHMMSS>[-k]/`."""

import contextlib
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import InputError


class RunFolder:
    """One run's folder, held by one process at a time.

    Args:
        path: The folder.
        fresh: It was made by this process, and holds nothing yet.
    """

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path = path
        self.fresh = fresh
        self._lock: FileLock | None = None

    @classmethod
    def create(cls, root: Path, name: str) -> "RunFolder":
        """Makes and holds `root/runs/name/<time>`; runs of one second get different folders.

        Raises:
            InputError: The folder cannot be made.
        """
        parent = root / "runs" / name
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for attempt in range(1, 1000):
                path = parent / (stamp if attempt == 1 else f"{stamp}-{attempt}")
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    return cls(path, fresh=True).hold()
        except OSError as error:
            raise InputError(
                f"{parent}: the run's folder cannot be made ({error.strerror}); name another with --run_dir"
            ) from error
        raise InputError(f"{parent}: 999 runs began in this second")

    @classmethod
    def at(cls, path: Path) -> "RunFolder":
        """Makes and holds the folder that the user named for a new run.

        Raises:
            InputError: It holds something already, or cannot be made.
        """
        try:
            fresh = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                way_out = "continue it with --ckpt_path" if (path / "config.yaml").exists() else "name an empty folder"
                raise InputError(f"--run_dir {path}: is not empty; {way_out}")
        except OSError as error:
            raise InputError(f"--run_dir {path}: cannot be made ({error.strerror})") from error
        return cls(path, fresh).hold()

    def hold(self) -> "RunFolder":
        """Takes the folder for this process until it ends.

        Raises:
            InputError: Another process has it, or it cannot be written.
        """
        self._lock = FileLock(self.path / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.path}: in use by another process; wait for it, or start a new run") from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from error
        return self

    def release(self) -> None:
        """Lets other processes have the folder."""
        if self._lock is not None:
            self._lock.release()
            with contextlib.suppress(OSError):
                (self.path / ".lock").unlink(missing_ok=True)
            self._lock = None

    def discard(self) -> None:
        """Removes the folder if this process made it and training never began."""
        self.release()
        if self.fresh and not (self.path / "metrics.csv").exists() and not (self.path / "checkpoints").exists():
            shutil.rmtree(self.path, ignore_errors=True)
            for parent in (self.path.parent, self.path.parent.parent):
                with contextlib.suppress(OSError):
                    parent.rmdir()  # runs/<name> and runs, if nothing else is in them


def write_atomically(path: Path, text: str) -> None:
    """Replaces a text file as a whole: a reader, or a crash, sees the old or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
