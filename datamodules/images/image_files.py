"""Picture files: those of class folders, those that `predict` is given, and decoding of many."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.errors import InputError
from core.files.home import from_home
from core.files.input_files import check_regular
from core.files.picture_formats import is_read
from core.processes.threads import cores
from datamodules.base.class_folders import LeftOut, class_content, class_folders
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.picture import Picture, may_be_deep, read_picture

OTHERS = "files that are no pictures by their names"
DIGEST = 16  # bytes of a file's digest
AHEAD = 4  # pictures for each thread that are decoded before the first is returned, which limits memory

Found = TypeVar("Found")


def class_files(folder: Path, class_names: Sequence[str], left_out: LeftOut | None = None) -> list[tuple[Path, int]]:
    """Lists the files of `folder/<class>/*` in a fixed order that mixes the classes (by a hash of the file name).

    Args:
        folder: Holds one folder per class.
        class_names: The folders' names; the number of a class is its index here.
        left_out: Where hidden files, folders within a class and the like are noted.

    Returns:
        File and class of each picture.

    Raises:
        InputError: A class is missing or empty, or a folder is not readable.
    """
    folders = class_folders(folder, left_out)
    files: list[tuple[Path, int]] = []
    for number, name in enumerate(class_names):
        path = folders.get(name, folder / name)
        if not path.exists():
            raise InputError(f"{folder}: class folder '{name}' is missing")
        found = class_content(path, left_out)
        if not found:
            raise InputError(f"{path}: no pictures in this class folder")
        files += [(path, number) for path in found]
    return sorted(files, key=lambda item: (hashlib.sha256(os.fsencode(item[0].name)).digest(), item[1]))


def read_pictures(
    paths: Sequence[Path],
    size: int,
    channels: int,
    resize: bool,
    bits: int = SIXTEEN,
    progress: str = "",
    threads: int | None = None,
    digests: bool = False,
) -> Iterator[Picture | InputError]:
    """Decodes pictures in order; gives the error of `read_picture` for one that cannot be decoded.

    Args:
        paths: The files.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour.
        resize: Whether to resize and crop pictures of another size.
        bits: Bits of pictures of 16 that hold values.
        progress: Title of the progress bar; no bar if empty.
        threads: Number of threads; one per core if not given.
        digests: Whether each picture comes with a digest of its file.

    Returns:
        Each picture, or its error.
    """

    def read(path: Path) -> Picture | InputError:
        try:
            picture = read_picture(path, size, channels, resize, bits)
        except InputError as error:
            return error
        return picture._replace(content=_digest(path)) if digests else picture

    return _in_threads(read, paths, progress, threads or cores())


def _in_threads(read: Callable[[Path], Found], paths: Sequence[Path], progress: str, threads: int) -> Iterator[Found]:
    """Yields what a function finds in each file, in order, with a progress bar if it has a title."""
    begun: deque[Future[Found]] = deque()
    with (
        ThreadPoolExecutor(threads) as pool,
        tqdm(desc=progress, total=len(paths), disable=None if progress else True, leave=False) as bar,
    ):
        for path in paths:
            begun.append(pool.submit(read, path))
            if len(begun) > AHEAD * threads:
                bar.update()
                yield begun.popleft().result()
        while begun:
            bar.update()
            yield begun.popleft().result()


def decode(
    paths: Sequence[Path],
    size: int,
    channels: int,
    resize: bool = False,
    bits: int = SIXTEEN,
    progress: str = "",
    threads: int | None = None,
) -> Tensor:
    """Decodes pictures into one tensor.

    Args:
        paths: The files, of any format that Pillow reads without running a program.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour; pictures of another mode are converted.
        resize: Whether to resize a picture of another size to `size` on its shorter side and center-crop it; otherwise
            another size is an error.
        bits: Bits of pictures of 16 that hold values.
        progress: Title of the progress bar; no bar if empty.
        threads: Number of threads; one per core if not given.

    Returns:
        uint8 [N, size, size, channels].

    Raises:
        InputError: A file is no picture, is broken, or has another size; the message names it.
    """
    images = np.empty((len(paths), size, size, channels), dtype=np.uint8)
    for place, picture in enumerate(read_pictures(paths, size, channels, resize, bits, progress, threads)):
        if isinstance(picture, InputError):
            raise picture
        images[place] = picture.pixels
    return torch.from_numpy(images)


def bits_in_use(paths: Sequence[Path]) -> tuple[int, int]:
    """Returns how many pictures have 16 bits, and how many of these hold values: all, if there are no such pictures.

    Only pictures that may have 16 bits are decoded; those that cannot be read are left out.
    """

    def depth(path: Path) -> int:
        try:
            return read_picture(path, 1, 1, resize=True).depth if may_be_deep(path) else 0
        except InputError:
            return 0

    depths = [*filter(None, _in_threads(depth, paths, "looking for pictures of 16 bits", cores()))]
    return len(depths), max(depths, default=SIXTEEN)


def _digest(path: Path) -> bytes:
    """Returns 16 bytes that depend on every byte of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()[:DIGEST]


def find_pictures(inputs: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Lists files, and the pictures in folders and their subfolders, in the order given.

    Returns:
        The files, and lines that count and name what folders hold beside pictures.

    Raises:
        InputError: A name does not exist, or a folder holds no picture.
    """
    files: list[Path] = []
    lines: list[str] = []
    for name in inputs:
        path = from_home(name)
        if not name:  # which would be the current folder
            raise InputError("--input: the name is empty; name a picture, or a folder of them")
        if path.is_dir():
            left_out = LeftOut(path)
            found = pictures_below(path, left_out)
            if not found:
                raise InputError(f"--input {name}: no pictures in this folder")
            files += found
            lines += left_out.lines()
        elif path.exists():
            check_regular(path)
            files.append(path)
        else:
            raise InputError(f"--input {name}: no such file or folder")
    return files, lines


def is_picture(path: Path) -> bool:
    """Returns whether a file is a picture by its name."""
    return is_read(path.suffix)


def holds_pictures(folder: Path) -> bool:
    """Returns whether there are pictures in a folder itself, by their names."""
    return any(map(is_picture, class_content(folder)))


def pictures_below(folder: Path, left_out: LeftOut) -> list[Path]:
    """Lists the pictures in a folder and its folders, by the endings of their names, in alphabetical order.

    Args:
        folder: The folder.
        left_out: Where hidden files, other files and linked folders are noted.

    Raises:
        InputError: A folder cannot be read.
    """
    found = []
    for inside, folders, _ in os.walk(folder):
        found += class_content(Path(inside), left_out, is_picture, OTHERS, True)
        for name in list(folders):
            path = Path(inside) / name
            if path.is_symlink():  # not followed: it may lead in a circle
                left_out.add("linked folders", path)
            if name.startswith("."):
                folders.remove(name)
    return sorted(found)
