"""Checks a file that torch is to read, before torch asks for memory: what it unpacks to must be there already."""

import zipfile
from pathlib import Path

from core.errors import InputError


def refuse_inflated(path: Path) -> None:
    """Checks that a file unpacks to no more than it holds: torch stores its archives uncompressed.

    Args:
        path: A file that may or may not be such an archive.

    Raises:
        InputError: It holds compressed entries, or the same bytes several times.
    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        return  # an older format of torch, or no checkpoint at all
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # a truncated one
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise InputError(f"{path}: no checkpoint: {entry.filename!r} in it is compressed, which torch never does")
    size, claimed = path.stat().st_size, sum(entry.file_size for entry in entries)
    if claimed > size:
        raise InputError(f"{path}: no checkpoint: it holds {size:,} bytes and claims to hold {claimed:,}")
