"""Pictures on disk: class folders, lists of files, and their decoding by Pillow."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from engine.errors import InputError


def class_files(folder: Path, class_names: Sequence[str]) -> list[tuple[Path, int]]:
    """Lists the pictures of `folder/<class>/*` in a fixed order that mixes the classes (by a hash of the file name).

    Args:
        folder: Holds one folder a class.
        class_names: The folders' names; a class's number is its place here.

    Returns:
        File and class of each picture.

    Raises:
        InputError: A class is missing or empty, or a folder is not readable.
    """
    files: list[tuple[Path, int]] = []
    for number, name in enumerate(class_names):
        try:
            found = [path for path in (folder / name).iterdir() if path.is_file() and not path.name.startswith(".")]
        except FileNotFoundError:
            raise InputError(f"{folder}: class folder '{name}' is missing") from None
        except OSError as error:
            raise InputError(f"{folder / name}: cannot be read: {error.strerror}") from error
        if not found:
            raise InputError(f"{folder / name}: no pictures in this class folder")
        files += [(path, number) for path in found]
    return sorted(files, key=lambda item: (hashlib.sha256(item[0].name.encode()).digest(), item[1]))


def fingerprint(paths: Iterable[Path], root: Path) -> str:
    """Returns a digest of names, sizes and times of change: it differs once a file was added, removed or changed.

    Args:
        paths: The files.
        root: Folder that the names are taken from, so that it may be called by any path.

    Returns:
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.relative_to(root).as_posix()}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def decode(paths: Sequence[Path], size: int, channels: int, resize: bool = False, progress: str = "") -> Tensor:
    """Decodes pictures into one tensor, on all cores.

    Args:
        paths: The files, of any format that Pillow reads.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour; pictures of another mode are converted.
        resize: Resize what has another size (bicubic); otherwise that is an error.
        progress: Title of a progress bar; none if empty.

    Returns:
        uint8 [N, size, size, channels].

    Raises:
        InputError: A file is no picture, is broken, or has another size; names it.
    """
    images = np.empty((len(paths), size, size, channels), dtype=np.uint8)

    def read(item: tuple[int, Path]) -> None:
        place, path = item
        try:
            with Image.open(path) as picture:
                picture = picture.convert("L" if channels == 1 else "RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            reason = "no picture that can be read" if "cannot identify" in str(error) else f"broken picture: {error}"
            raise InputError(f"{path}: {reason}") from error
        if picture.size != (size, size):
            if not resize:
                raise InputError(f"{path}: {picture.width}x{picture.height} pixels, where {size}x{size} are expected")
            picture = picture.resize((size, size), Image.Resampling.BICUBIC)
        images[place] = np.asarray(picture).reshape(size, size, channels)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(read, enumerate(paths))
        for _ in tqdm(done, desc=progress, total=len(paths), disable=None if progress else True, leave=False):
            pass
    return torch.from_numpy(images)


def find_pictures(inputs: Sequence[str]) -> list[Path]:
    """Lists files, and the pictures in folders, in the order given; folders are searched to the bottom.

    Raises:
        InputError: A name does not exist, or a folder holds no picture.
    """
    known = Image.registered_extensions()
    files: list[Path] = []
    for name in inputs:
        path = Path(name).expanduser()
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in known)
            if not found:
                raise InputError(f"--input {name}: no pictures in this folder")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise InputError(f"--input {name}: no such file or folder")
    return files
