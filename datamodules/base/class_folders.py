"""Folders of a data set, `<part>/<class>/*`: what is read, and a count by name of everything that is not."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import InputError
from core.files.home import from_home
from core.terminal.printable import first_of, printable
from core.terminal.shells import as_typed

PART_FOLDERS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}  # names of their folders
CACHES = ".cache.safetensors"  # end of the names of files that the project itself puts beside the parts
OWN_FILE = "--data.data_dir {folder}"  # options in place of a `data_dir` that is the file {path}
NAMED = 5  # most files that a message names


class LeftOut:
    """What a data set's folder holds that is not read, by kind.

    Args:
        root: Folder that names are relative to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kinds: dict[str, list[Path]] = {}

    def add(self, kind: str, path: Path) -> None:
        """Notes a file or folder; the kind is in the plural, such as `hidden files`."""
        self._kinds.setdefault(kind, []).append(path)

    def lines(self) -> list[str]:
        """Returns a line for each kind, with the number and the first names."""
        return [f"skipped  {count_and_name(kind, paths, self.root)}" for kind, paths in self._kinds.items()]


def count_and_name(kind: str, paths: Sequence[Path], root: Path) -> str:
    """Returns a number of files with the names of the first, such as `hidden files in data: 2 (a, b)`."""
    names = first_of(paths, NAMED, show=lambda path: str(path.relative_to(root)))
    return f"{kind} in {root}: {len(paths):,} ({names})"


def refuse_file(data_dir: str | Path, own_file: str = OWN_FILE) -> None:
    """Checks that there is no file in place of the folder of data.

    Args:
        data_dir: The folder, as it was given.
        own_file: Options that take such a file instead, with `{path}`, `{folder}` and `{name}` for its parts.

    Raises:
        InputError: There is; the message has the options.
    """
    path = from_home(data_dir)
    if path.is_file():
        parts = {"path": path, "folder": path.parent, "name": path.name}
        options = as_typed(*(word.format(**parts) for word in own_file.split()))
        raise InputError(f"data.data_dir {data_dir}: a file, where a folder is expected; give {options}")


def check_data_dir(folder: Path) -> None:
    """Checks that the folder of data that is not downloaded is there, before it is said what it lacks.

    Raises:
        InputError: It is not, or is a file.
    """
    refuse_file(folder)
    if not folder.is_dir():
        raise InputError(f"--data.data_dir {folder}: no such folder")


def part_folders(root: Path, left_out: LeftOut) -> dict[str, Path]:
    """Finds the folders of the parts: `train`, `val` (or `valid`, `validation`) and `test`, in capital letters or not.

    Args:
        root: Folder of the data set.
        left_out: Where what is not read is noted.

    Returns:
        The folders that exist, by the part's name, `train` first.

    Raises:
        InputError: The folder cannot be read.
    """
    entries = _entries(root)
    found: dict[str, Path] = {}
    for part, names in PART_FOLDERS.items():
        named = [path for path in entries if path.name.lower() in names and path.is_dir()]
        # `val` before `valid`, and small letters before capitals
        named.sort(key=lambda path: (names.index(path.name.lower()), path.name not in names))
        if named:
            found[part] = named[0]
        for path in named[1:]:
            left_out.add(f"folders named like {named[0].name}, which is read,", path)
    known = {name for names in PART_FOLDERS.values() for name in names}
    for path in entries:
        if (path.is_dir() and path.name.lower() in known) or path.name.endswith(CACHES):
            continue
        if not _is_odd(path, left_out):
            left_out.add("files and folders beside train, val and test", path)
    return found


def class_folders(folder: Path, left_out: LeftOut | None = None) -> dict[str, Path]:
    """Finds the classes of `folder/<class>/*`, in alphabetical order, without hidden folders.

    Returns:
        The folder of each class by its name, which is printable where the folder's name is no UTF-8.

    Raises:
        InputError: The folder cannot be read.
    """
    classes = {}
    for path in _entries(folder):
        if path.is_dir() and not path.name.startswith("."):
            classes[printable(path.name)] = path
        elif path.name.endswith(CACHES):
            continue
        elif left_out is not None and not _is_odd(path, left_out):
            left_out.add("files beside the class folders", path)
    return dict(sorted(classes.items()))


def class_content(
    folder: Path,
    left_out: LeftOut | None = None,
    fits: Callable[[Path], bool] | None = None,
    others: str = "",
    has_folders: bool = False,
) -> list[Path]:
    """Lists the files of one folder, without hidden ones.

    Args:
        folder: Folder of a class.
        left_out: Where what is not read is noted.
        fits: Tells whether a file is to be read; all are if not given.
        others: Name of the files that do not fit, in the plural.
        has_folders: Whether folders in it are read, too, by the caller.

    Raises:
        InputError: The folder cannot be read.
    """
    files = []
    for path in _entries(folder):
        if path.is_file() and not path.name.startswith("."):
            if fits is None or fits(path):
                files.append(path)
            elif left_out is not None:
                left_out.add(others, path)
        elif left_out is not None and not _is_odd(path, left_out) and not has_folders:
            left_out.add("folders within a class", path)
    return files


def _is_odd(path: Path, left_out: LeftOut) -> bool:
    """Notes what no data set consists of; returns whether it is such."""
    if path.name.startswith("."):
        left_out.add("hidden files", path)
    elif path.is_symlink() and not path.exists():
        left_out.add("links to nothing", path)
    elif not path.is_dir() and not path.is_file():
        left_out.add("pipes or devices", path)
    else:
        return False
    return True


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from error
