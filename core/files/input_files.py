"""Files that are read as a whole: regular ones, and gzipped ones that unpack to a plausible size."""

import codecs
import gzip
import stat
import zlib
from pathlib import Path

from core.errors import InputError

PORTION = 2**20  # bytes that are unpacked at a time
FREE = 2**26  # bytes that any file may unpack to
RATIO = 100  # most that a larger one may grow by; text shrinks to a third or a tenth


def check_regular(path: Path) -> None:
    """Checks that a path is no pipe and no device, which never end or keep a reader waiting.

    A missing file passes: its reader says so.

    Raises:
        InputError: It is one, or a folder.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: {'a folder' if stat.S_ISDIR(mode) else 'a pipe or a device'}, not a file")


def is_within(path: Path, folder: Path) -> bool:
    """Returns whether a path lies in a folder once links are followed, which can lead to anything of a machine."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that lead to each other
        return False


def read_file(path: Path) -> bytes:
    """Returns the content of a file, unpacked if its name ends in `.gz`.

    Raises:
        InputError: It cannot be read, is no regular file, is damaged, or unpacks to an implausible size.
    """
    check_regular(path)
    try:
        return _unpack(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise InputError(f"{path}: cannot be read ({reason})") from error


def _unpack(path: Path) -> bytes:
    most = max(FREE, RATIO * path.stat().st_size)
    content = bytearray()
    with gzip.open(path) as file:
        while portion := file.read(PORTION):
            content += portion
            if len(content) > most:
                raise InputError(
                    f"{path}: unpacks to more than {RATIO} times its size, which no data does; if it is right, unpack "
                    "it first"
                )
    return bytes(content)


def decode_text(content: bytes) -> str:
    """Returns the text of bytes in UTF-8, or in UTF-16 with its byte order mark, which is left out.

    Raises:
        UnicodeDecodeError: They are neither.
    """
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
