"""Cache of decoded data sets: tensors in safetensors files, with a key of the source that they were decoded from."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core.errors import RunFailed
from core.files.atomic_files import replacing
from core.files.file_locks import acquire, file_lock

PATIENCE = 600  # seconds that another process may decode
FORMAT = "primer-6"  # increase the number when decoding changes: older files are then decoded again


def cached(path: Path, key: str, decode: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Returns decoded tensors: from the cache file if its key matches, else decoded now and written to it.

    A file with another key or format, or a truncated one, is replaced. A file that cannot be written is no error. Of
    processes that start at the same time, one decodes, and the others wait for it.

    Args:
        path: The cache file.
        key: Fingerprint of the source.
        decode: Reads the source.

    Returns:
        Tensors by name.
    """
    return completed(path, key, bool, lambda _: iter([decode()]))


def completed(
    path: Path,
    key: str,
    is_complete: Callable[[dict[str, Tensor]], bool],
    complete: Callable[[dict[str, Tensor]], Iterator[dict[str, Tensor]]],
) -> dict[str, Tensor]:
    """Returns tensors that may be cached in part: what a cache file holds, completed and written to it again.

    Otherwise as `cached`.

    Args:
        path: The cache file.
        key: Fingerprint of what the tensors were made by.
        is_complete: Whether tensors hold all that is needed.
        complete: Yields tensors that are more and more complete, each of which is written, so that little is lost to
            an interruption. It gets what the file holds: nothing, where there is no file of this key.

    Returns:
        Tensors by name.
    """
    tensors = _read(path, key) or {}
    if not is_complete(tensors):
        with _alone(path):
            tensors = _read(path, key) or {}
            if not is_complete(tensors):
                for more in complete(tensors):
                    tensors = more
                    _write(path, key, tensors)
    return tensors


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Waits in turn for a file, where its folder can be written and for as long as `PATIENCE`."""
    place = path.with_name(f".{path.name}.lock")
    lock = file_lock(place)
    with contextlib.suppress(OSError):  # decoding twice is no error
        if path.parent.is_dir():  # which the lock would make
            acquire(lock, PATIENCE)
    try:
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
            lock.release()


def _read(path: Path, key: str) -> dict[str, Tensor] | None:
    if not path.is_file():  # to open a pipe would be to wait for good
        return None
    try:
        with _open(path, key) as file:
            names = list(file.keys())
        tensors = {}
        for name in names:
            # Tensors of one opening share a memory mapping, which stays until the last of them is freed.
            with _open(path, key) as file:
                tensors[name] = file.get_tensor(name)
        return tensors
    except (OSError, SafetensorError, _Stale):
        return None


@contextlib.contextmanager
def _open(path: Path, key: str) -> Iterator[safe_open]:
    with safe_open(path, framework="pt") as file:
        if (file.metadata() or {}).get("key") != json.dumps([FORMAT, key]):
            raise _Stale
        yield file


class _Stale(Exception):
    """The file has another key."""


def _write(path: Path, key: str, tensors: dict[str, Tensor]) -> None:
    with contextlib.suppress(RunFailed, SafetensorError), replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"key": json.dumps([FORMAT, key])})


def fingerprint(paths: Iterable[Path], root: Path, times: bool = True) -> str:
    """Returns a digest of the names, sizes and modification times of files, to detect any change.

    Args:
        paths: The files.
        root: Folder that the names in it are relative to; others are whole paths.
        times: Whether modification times are included; a copy of the files may have other ones.

    Returns:
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        changed = stat.st_mtime_ns if times else 0
        name = path.relative_to(root) if path.is_relative_to(root) else path
        digest.update(os.fsencode(name.as_posix()) + f"\0{stat.st_size}\0{changed}\n".encode())
    return digest.hexdigest()


def marked(digest: str, reading: str) -> str:
    """Returns the digest of files that are read in another way than they were by earlier releases.

    Args:
        digest: The digest of the files.
        reading: The way.
    """
    return hashlib.sha256(f"{digest} {reading}".encode()).hexdigest()[: len(digest)]
