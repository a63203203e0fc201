"""Pictures on disk, for tests that read some; and generated ones, which are drawn once a session."""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from datamodules.images.synthetic import synthetic_images

_draw_once = lru_cache(maxsize=32)(synthetic_images)


def drawn_once(n: int, **settings: int) -> tuple[Tensor, Tensor]:
    """Returns what `synthetic_images` does, which draws 250 pictures for every few that are asked for."""
    images, labels = _draw_once(n, **settings)
    return images.clone(), labels.clone()


def picture(path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0) -> Path:
    """Writes a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], *((3,) if mode == "RGB" else ()))
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path


def numbered_pictures(folder: Path, classes: Mapping[str, int], ending: str = "png") -> Path:
    """Writes pictures of 12x10 pixels in class folders, each of which shows its number in grey.

    Args:
        folder: Folder of the class folders, which is returned.
        classes: How many pictures each class has, in the order of their numbers.
        ending: Of the files' names.
    """
    number = 0
    for name, n in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for _ in range(n):
            Image.fromarray(np.full((10, 12, 3), number, np.uint8)).save(folder / name / f"{number}.{ending}")
            number += 1
    return folder


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    """Returns a chunk of a PNG file."""
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def deep_png(path: Path, values: np.ndarray, extra: bytes = b"") -> Path:
    """Writes values of 16 bits, [H, W] or [H, W, C], as PNG, which Pillow cannot write of colours.

    Args:
        path: The file.
        values: Grey, grey and alpha, colours, or colours and alpha.
        extra: Chunks that stand before the pixels.
    """
    height, width, *channels = values.shape
    kind = {(): 0, (2,): 4, (3,): 2, (4,): 6}[tuple(channels)]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    pixels = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


def tiff(path: Path, values: np.ndarray, order: str = "<", deflate: bool = False, **tags: list[int]) -> Path:
    """Writes numbers of any type, [H, W] or [H, W, C], as TIFF, as they are.

    Args:
        path: The file.
        values: The pixels.
        order: Order of bytes, `<` or `>`.
        deflate: Whether they are compressed, so that another decoder reads them.
        tags: Further entries of the directory, `t<number>`, or other values of its entries.
    """
    height, width, *channels = values.shape
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    pixels = zlib.compress(pixels) if deflate else pixels
    n = channels[0] if channels else 1
    form = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    entries = {256: [width], 257: [height], 258: [8 * values.dtype.itemsize] * n, 259: [8 if deflate else 1]}
    entries |= {262: [2 if n > 2 else 1], 273: [8], 277: [n], 278: [height], 279: [len(pixels)], 339: [form] * n}
    entries |= {int(name[1:]): numbers for name, numbers in tags.items()}
    place = 8 + len(pixels) + len(pixels) % 2
    directory, behind = struct.pack(f"{order}H", len(entries)), b""
    for tag, numbers in sorted(entries.items()):
        content = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            offset = place + 2 + 12 * len(entries) + 4 + len(behind)
            content, behind = struct.pack(f"{order}I", offset), behind + content
        directory += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + content
    header = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", place)
    path.write_bytes(header + pixels + b"\0" * (len(pixels) % 2) + directory + bytes(4) + behind)
    return path
