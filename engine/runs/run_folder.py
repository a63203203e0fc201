"""The folder that a run leaves behind: `runs/<name>/<YYYYmmdd-HHMMSS>[-k]/`."""

import contextlib
import os
import shutil
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pytorch_lightning.utilities import rank_zero_only

from core.errors import InputError
from core.files.atomic_files import is_written_here
from core.files.file_locks import NoLocks, acquire, file_lock
from core.files.home import from_home
from core.files.outputs import check_output_folder, contents
from core.run_layout import CHECKPOINTS, has_config
from core.terminal.console import print_line
from engine.runs.slurm import JOB_FILE
from engine.runs.trial_file import TRIAL_FILE

# Processes that Lightning starts for further devices run the same command, and find the run's folder here.
RUN_FOLDER_VARIABLE = "PRIMER_RUN_FOLDER"

PROBED = 0.5  # seconds; a command that lists runs holds a lock for a moment, to find out whether it is free
LOCK = ".lock"
WANDB_ID = "wandb_id.txt"  # id, project, name and account of the run in Weights & Biases
MARKS = (LOCK, JOB_FILE, TRIAL_FILE)  # beside which folders are those of a run
FOLDERS = ("tensorboard", "wandb")  # of a run, made before it trains; others have folders of these names, too


class RunFolder:
    """One run's folder, held by one process at a time.

    Args:
        path: The folder.
        made: Folders that this process made for the run, the innermost first; None if the run is an older one.
        found: Names of what was in the folder before.
    """

    def __init__(self, path: Path, made: list[Path] | None = None, found: Collection[str] = ()) -> None:
        self.path = path
        self.made = made
        self._found = found
        self._lock: FileLock | None = None

    @classmethod
    def create(cls, root: Path, name: str) -> "RunFolder":
        """Makes and holds `root/runs/name/<time>`; runs of one second get different folders.

        Raises:
            InputError: The folder cannot be made.
        """
        parent = root / "runs" / name
        made = _missing(parent)
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for attempt in range(1, 1000):
                path = parent / (stamp if attempt == 1 else f"{stamp}-{attempt}")
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    return cls(path, [path, *made]).hold()
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
        check_output_folder(str(path), "--run_dir")
        try:
            made = _missing(path)
            path.mkdir(parents=True, exist_ok=True)
            found = {content.name for content in path.iterdir()}
            if not _are_left_over({content.name for content in contents(path)}):
                run = "; fit --ckpt_path continues the run in it" if has_config(path) else ""
                raise InputError(f"--run_dir {path}: is not empty; name an empty folder{run}")
        except OSError as error:
            raise InputError(f"--run_dir {path}: cannot be made ({error.strerror})") from error
        return cls(path, made, found).hold()

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return self._lock is not None

    def hold(self) -> "RunFolder":
        """Locks the folder for this process until it ends; a note says where it cannot be locked.

        Raises:
            InputError: Another process has it, or it cannot be written.
        """
        lock = file_lock(self.path / LOCK)
        try:
            acquire(lock, PROBED, poll_interval=0.01)
        except NoLocks:
            print_line(f"note: {self.path}: its disk has no locks, and nothing keeps other processes from this run")
        except Timeout:
            raise InputError(f"{self.path}: in use by another process; wait for it, or start a new run") from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._lock = lock
        return self

    def release(self) -> None:
        """Releases the folder for other processes."""
        if self._lock is not None:
            with contextlib.suppress(OSError):  # before the lock is released: no other process may lock a deleted file
                (self.path / LOCK).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def discard(self) -> None:
        """Removes what this process made of a new run, if training never began; all else in its folder stays."""
        began = (self.path / "metrics.csv").exists() or (self.path / CHECKPOINTS).exists()
        if self.made is None or began:
            self.release()
            return
        for content in self.path.iterdir():
            if content.name in (*self._found, LOCK):
                continue
            if content.name in FOLDERS:
                shutil.rmtree(content, ignore_errors=True)
            else:
                _remove_own(content)
        self.release()  # only now: another process may begin its run here at once
        if LOCK in self._found:
            with contextlib.suppress(OSError):
                (self.path / LOCK).touch()  # by which the rest of a killed run is known
        for folder in self.made:
            with contextlib.suppress(OSError):  # another run may have begun in it
                folder.rmdir()


def new_run_folder(run_dir: str | None, root: Path, name: str) -> RunFolder | None:
    """Makes the folder of a new run on the first process; the others take the one that it has made.

    Args:
        run_dir: The folder that the user named, if any.
        root: Folder in which `runs/` is made otherwise.
        name: Name under `runs/`.

    Returns:
        The folder; None on another process that was not started by the first, which learns it before training.

    Raises:
        InputError: The folder cannot be made or is not empty.
    """
    if rank_zero_only.rank != 0:
        inherited = os.environ.get(RUN_FOLDER_VARIABLE)
        return RunFolder(Path(inherited)) if inherited else None
    folder = RunFolder.at(from_home(run_dir).resolve()) if run_dir else RunFolder.create(root, name)
    os.environ[RUN_FOLDER_VARIABLE] = str(folder.path)
    return folder


def _are_left_over(names: Collection[str]) -> bool:
    """Returns whether files and folders are what a run makes before it trains, which was killed then."""
    folders = FOLDERS if any(name in MARKS for name in names) else ()
    known = (*MARKS, *folders, WANDB_ID)
    return all(name in known or (name.startswith(".") and name.endswith(".tmp")) for name in names)


def _remove_own(path: Path) -> None:
    """Removes a file that this process has written, and of a folder such files and the folder, if it is empty then."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            for content in path.iterdir():
                _remove_own(content)
            path.rmdir()
        elif is_written_here(path):
            path.unlink()


def _missing(path: Path) -> list[Path]:
    """Lists a folder and those around it that do not exist yet, the innermost first."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]
