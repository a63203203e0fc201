"""Decoded data sets on disk: tensors without pickle, keyed to what they were decoded from."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from core.atomic_files import replacing
from core.errors import RunFailed

FORMAT = "primer-2"  # a change of what is decoded gets a new number, and so makes every older file stale


def cached(path: Path, key: str, decode: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Returns decoded tensors, from the file if it was made from the same source, else decoded now and kept.

    A file that is stale, truncated or not ours is replaced. Where none can be written, the tensors stay in memory.

    Args:
        path: The cache file.
        key: Fingerprint of the source.
        decode: Reads the source.

    Returns:
        Tensors by name.
    """
    tensors = _read(path, key)
    if tensors is None:
        tensors = decode()
        _write(path, key, tensors)
    return tensors


def _read(path: Path, key: str) -> dict[str, Tensor] | None:
    try:
        with _open(path, key) as file:
            names = list(file.keys())
        tensors = {}
        for name in names:
            # Tensors of one opening share one mapping: pages of one that is dropped would outlive it beside another.
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
    """The file was made from another source."""


def _write(path: Path, key: str, tensors: dict[str, Tensor]) -> None:
    with contextlib.suppress(RunFailed, SafetensorError), replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"key": json.dumps([FORMAT, key])})


def fingerprint(paths: Iterable[Path], root: Path, times: bool = True) -> str:
    """Returns a digest of names, sizes and times of change: it differs once a file was added, removed or changed.

    Args:
        paths: The files.
        root: Folder that the names are taken from, so that it may be called by any path.
        times: Whether times of change count, which a copy of the files need not keep.

    Returns:
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in paths:
        stat = path.stat()
        changed = stat.st_mtime_ns if times else 0
        digest.update(f"{path.relative_to(root).as_posix()}\0{stat.st_size}\0{changed}\n".encode())
    return digest.hexdigest()
