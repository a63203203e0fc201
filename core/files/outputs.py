"""Files and folders that `--output` names: whether they can be written is known before anything is computed."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from core.errors import InputError, RunFailed
from core.files.atomic_files import write_atomically
from core.files.home import from_home
from core.run_layout import CHECKPOINTS, has_checkpoints, has_config

OF_FILE_MANAGERS = (".ds_store", "desktop.ini", "thumbs.db")
CSV = ".csv"  # ending of tables of results, which are no input of a folder


def check_output_file(given: str, example: str, replaces_runs: bool = False) -> Path:
    """Returns the file that `--output` names, after a check that it can be written.

    Args:
        given: What is named.
        example: Name of such a file, for messages.
        replaces_runs: Whether a file may be replaced that lies in the folder of a run.

    Raises:
        InputError: Nothing or a folder is named, the file's folder is not there or lets nobody write or holds a run's
            checkpoints, or the file is a run's.
    """
    path = from_home(given)
    if not given or path.is_dir():
        raise InputError(f"--output {given}: {'a folder; ' if given else ''}name a file, such as {example}")
    if not path.parent.is_dir():
        raise InputError(f"--output {given}: cannot be written (no folder {path.parent})")
    if not (os.access(path, os.W_OK) if is_stream(path) else os.access(path.parent, os.W_OK | os.X_OK)):
        raise InputError(f"--output {given}: cannot be written (no permission in {path.parent})")
    parent = path.parent.resolve()
    if path.is_file() and any(map(_is_run, (parent, *parent.parents))) and not replaces_runs:
        raise needed_output(given, "is a file of a run")
    _check_beside_checkpoints(parent, given, "--output")
    return path


def check_output_folder(given: str, option: str = "--output") -> Path:
    """Returns the folder that `--output` names, which need not be there, after a check that it can be made.

    Args:
        given: What is named.
        option: Another option that names it.

    Raises:
        InputError: A file is in its way, it cannot be written, or it is among a run's checkpoints.
    """
    path = nearest = from_home(given)
    while not (nearest.exists() or nearest.is_symlink()):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(f"{option} {given}: {nearest} is a file, where a folder is expected; choose another name")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{option} {given}: cannot be written (no permission in {nearest})")
    _check_beside_checkpoints(path.resolve(), given, option)
    return path


def _is_run(folder: Path) -> bool:
    return has_config(folder) and has_checkpoints(folder)


def _check_beside_checkpoints(folder: Path, given: str, option: str) -> None:
    """Checks that a folder is none of a run's checkpoints, nor below it.

    Raises:
        InputError: It is.
    """
    if any(one.name == CHECKPOINTS and _is_run(one.parent) for one in (folder, *folder.parents)):
        raise InputError(f"{option} {given}: is among a run's checkpoints; choose another folder")


def contents(folder: Path) -> Iterator[Path]:
    """Yields what is in a folder, but for what file managers leave in any that they have shown."""
    return (path for path in folder.iterdir() if path.name.lower() not in OF_FILE_MANAGERS)


def is_among(path: Path, name: str) -> bool:
    """Returns whether a file is what `--input` names, or lies in the folder that it names and is no table of results.

    Args:
        path: The file.
        name: A file, a folder, or a text that can be no name.
    """
    try:
        given = from_home(name)
        if given.is_dir():
            return path.suffix.lower() != CSV and path.resolve().is_relative_to(given.resolve())
        return given.is_file() and path.samefile(given)
    except (OSError, ValueError, RuntimeError):
        return False


def needed_output(given: str, why: str) -> InputError:
    """Returns an error that says why a file that is there is not replaced."""
    return InputError(f"--output {given}: {why}, and is not replaced; choose another name")


def write_output(path: Path, content: str | bytes, given: str, makes_folder: bool = False) -> None:
    """Writes a file that `--output` names, or adds to it if it is a pipe or another stream.

    Args:
        path: The file.
        content: What it is to hold.
        given: What was named.
        makes_folder: Whether its folder is made.

    Raises:
        InputError: It cannot be written.
    """
    try:
        if is_stream(path):
            with open(path, "ab") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
        else:
            if makes_folder:
                path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
    except (OSError, RunFailed) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--output {given}: cannot be written ({reason})") from error


def is_stream(path: Path) -> bool:
    """Returns whether a path is a pipe, a device or a stream of a process such as /dev/stdout: none can be replaced."""
    return path.exists() and (is_system_stream(path.absolute()) or not path.is_file())


def is_system_stream(path: PurePath) -> bool:
    """Returns whether an absolute path is a name of Unix for a stream, which may lead to a file, as /dev/stdout does.

    Other paths below /dev are of ordinary files, such as those of /dev/shm, and so are all of Windows.
    """
    return path.is_relative_to("/proc") or path.parent in (PurePosixPath("/dev"), PurePosixPath("/dev/fd"))
