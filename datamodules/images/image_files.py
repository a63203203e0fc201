"""Pictures on disk: class folders, lists of files, and their decoding by Pillow."""

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

AT_ONCE = 1000  # pictures that are decoded before the first is handed on, which bounds the memory


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

    Hidden files are left out.

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


def read_picture(path: Path, size: int, channels: int, resize: bool) -> np.ndarray:
    """Decodes one picture, the way up that its camera has noted.

    Args:
        path: The file, of any format that Pillow reads.
        size: Height and width.
        channels: 1 for grey, 3 for colour; a picture of another mode is converted, of 16 bits by its high byte.
        resize: Scale a picture of another size to `size` on its shorter side and cut its middle out, which distorts
            nothing; otherwise another size is an error.

    Returns:
        uint8 [size, size, channels].

    Raises:
        InputError: The file is no picture, is broken, or has another size or other pixels; names it.
    """
    try:
        with Image.open(path) as picture:
            if resize:
                # A photo's JPEG is decoded at a half, a quarter or an eighth of its size, where that is still twice
                # what is needed: eight times as fast, and hardly another picture.
                picture.draft(None, (2 * size, 2 * size))
            ImageOps.exif_transpose(picture, in_place=True)
            mode = picture.mode
            if mode.startswith("I;16"):  # Pillow's convert would clip it at 255
                picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            picture = picture.convert("L" if channels == 1 else "RGB")
    except Exception as error:  # a decoder of broken files raises whatever it stumbles over
        reason = "no picture that can be read" if "cannot identify" in str(error) else f"broken picture: {error}"
        raise InputError(f"{path}: {reason}") from error
    if mode in ("I", "F"):  # which say nowhere what is white
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
    """Decodes pictures in order; what cannot be decoded comes as the error that `read_picture` raises.

    Args:
        paths: The files.
        size: Height and width of every picture.
        channels: 1 for grey, 3 for colour.
        resize: Scale and cut what has another size.
        progress: Title of a progress bar; none if empty.
        threads: How many pictures are decoded at the same time; one a core if not given.

    Yields:
        Each picture, uint8 [size, size, channels], or what is wrong with it.
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
        resize: Scale what has another size to `size` on its shorter side and cut its middle out; otherwise another size
            is an error.
        progress: Title of a progress bar; none if empty.
        threads: How many pictures are decoded at the same time; one a core if not given.

    Returns:
        uint8 [N, size, size, channels].

    Raises:
        InputError: A file is no picture, is broken, or has another size; names it.
    """
    images = np.empty((len(paths), size, size, channels), dtype=np.uint8)
    for place, picture in enumerate(read_pictures(paths, size, channels, resize, progress, threads)):
        if isinstance(picture, InputError):
            raise picture
        images[place] = picture
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
