"""Which formats of pictures are read: a picture can come from anybody, and Pillow goes by what is in it."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

# EPS files are programs, which Pillow hands to Ghostscript; Windows draws WMF files; IPTC can hold a picture of either.
NOT_READ = ("EPS", "WMF", "IPTC")
COMMON = ("BMP", "GIF", "JPEG", "PPM", "PNG")  # for which Pillow need not import all others
HEIC, PROGRAM = "convert HEIC to JPEG or PNG", "PostScript is a program, which is not run; convert it to PNG"
WAYS_OUT = {".heic": HEIC, ".heif": HEIC, ".eps": PROGRAM, ".ps": PROGRAM}


def open_picture(source: Path | io.BytesIO, formats: Sequence[str] | None = None) -> Image.Image:
    """Opens a picture, as Pillow does.

    Args:
        source: The file.
        formats: Names of the formats that are tried; all that are read if not given.

    Returns:
        The picture, not decoded yet.

    Raises:
        UnidentifiedImageError: It is of none of them.
    """
    if formats is not None:
        return Image.open(source, formats=formats)
    Image.preinit()
    try:
        return Image.open(source, formats=COMMON)
    except UnidentifiedImageError:
        return Image.open(source, formats=read_formats())


def read_formats() -> list[str]:
    """Returns the names of the formats that are read, in the order in which Pillow tries them."""
    Image.init()
    return [name for name in Image.ID if name not in NOT_READ]


def is_read(ending: str) -> bool:
    """Returns whether files of an ending, such as `.png`, are pictures that are read."""
    name = Image.registered_extensions().get(ending.lower())
    return name in Image.OPEN and name not in NOT_READ


def way_out(ending: str) -> str:
    """Returns what can be done with files of an ending that are not read; empty if there is nothing to say."""
    return WAYS_OUT.get(ending.lower(), "")
