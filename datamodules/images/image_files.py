"""Picture files: class folders, lists of files, and decoding by Pillow."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from core.errors import InputError

AT_ONCE = 1000  # pictures that are decoded before the first is returned, which limits memory


def class_folders(folder: Path) -> tuple[str, ...]:
    """Lists the classes of `folder/<class>/*` in alphabetical order, without hidden folders.

    Raises:
        InputError: The folder is not readable.
    """
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from error


def class_files(folder: Path, class_names: Sequence[str]) -> list[tuple[Path, int]]:
    """Lists the files of `folder/<class>/*` in a fixed order that mixes the classes (by a hash of the file name).

    Hidden files are ignored.

    Args:
        folder: Holds one folder per class.
        class_names: The folders' names; the number of a class is its index here.

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


def read_picture(path: Path, size: int, channels: int, resize: bool) -> np.ndarray:
    """Decodes one picture, rotated by its EXIF orientation.

    Args:
        path: The file, of any format that Pillow reads.
        size: Height and width.
        channels: 1 for grey, 3 for colour; a picture of another mode is converted, 16 bits by the high byte.
        resize: Whether to resize a picture of another size to `size` on its shorter side and center-crop it, which
            keeps the aspect ratio; otherwise another size is an error.

    Returns:
        uint8 [size, size, channels].

    Raises:
        InputError: The file is no picture, is broken, or has another size or pixel format; the message names it.
    """
    try:
        with Image.open(path) as picture:
            if resize:
                # A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, if that is still twice the needed size: up to
                # eight times as fast, with nearly the same result.
                picture.draft(None, (2 * size, 2 * size))
            ImageOps.exif_transpose(picture, in_place=True)
            mode = picture.mode
            if mode.startswith("I;16"):  # Pillow's convert would clip it at 255
                picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            picture = picture.convert("L" if channels == 1 else "RGB")
    except Exception as error:  # decoders raise many types of errors for broken files
        reason = "no picture that can be read" if "cannot identify" in str(error) else f"broken picture: {error}"
        raise InputError(f"{path}: {reason}") from error
    if mode in ("I", "F"):  # the value of white is not defined for these
        raise InputError(f"{path}: pixels of mode {mode}, where 8 or 16 bits are expected")
    if picture.size != (size, size):
        if not resize:
            raise InputError(f"{path}: {picture.width}x{picture.height} pixels, where {size}x{size} are expected")
        side = min(picture.size)
        left, top = (picture.width - side) / 2, (picture.height - side) / 2
        middle = (left, top, left + side, top + side)
        picture = picture.resize((size, size), Image.Resampling.BICUBIC, box=middle)
    return np.array(picture).reshape(size, size, channels)


def read_pictures(
    paths: Sequence[Path], size: int, channels: int, resize: bool, progress: str = "", threads: int | None = None
) -> Iterator[np.ndarray | InputError]:
    """Decodes pictures in order; yields the error of `read_picture` for one that cannot be decoded.

    Args:
        paths: The files.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour.
        resize: Whether to resize and crop pictures of another size.
        progress: Title of the progress bar; no bar if empty.
        threads: Number of threads; one per core if not given.

    Yields:
        Each picture, uint8 [size, size, channels], or its error.
    """

    def read(path: Path) -> np.ndarray | InputError:
        try:
            return read_picture(path, size, channels, resize)
        except InputError as error:
            return error

    with (
        ThreadPoolExecutor(threads or os.cpu_count()) as pool,
        tqdm(desc=progress, total=len(paths), disable=None if progress else True, leave=False) as bar,
    ):
        for start in range(0, len(paths), AT_ONCE):
            for picture in pool.map(read, paths[start : start + AT_ONCE]):
                bar.update()
                yield picture


def decode(
    paths: Sequence[Path],
    size: int,
    channels: int,
    resize: bool = False,
    progress: str = "",
    threads: int | None = None,
) -> Tensor:
    """Decodes pictures into one tensor.

    Args:
        paths: The files, of any format that Pillow reads.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour; pictures of another mode are converted.
        resize: Whether to resize a picture of another size to `size` on its shorter side and center-crop it; otherwise
            another size is an error.
        progress: Title of the progress bar; no bar if empty.
        threads: Number of threads; one per core if not given.

    Returns:
        uint8 [N, size, size, channels].

    Raises:
        InputError: A file is no picture, is broken, or has another size; the message names it.
    """
    images = np.empty((len(paths), size, size, channels), dtype=np.uint8)
    for place, picture in enumerate(read_pictures(paths, size, channels, resize, progress, threads)):
        if isinstance(picture, InputError):
            raise picture
        images[place] = picture
    return torch.from_numpy(images)


def find_pictures(inputs: Sequence[str]) -> list[Path]:
    """Lists files, and the pictures in folders and their subfolders, in the order given.

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
