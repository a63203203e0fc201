"""Files of tensors that can come from anybody, read without running code: torch's own, and safetensors."""

import pickle
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from core.errors import InputError
from core.files.input_files import FREE, check_regular

DEEPEST = 50  # containers within each other in a file; a run's have fewer than ten


def load_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Reads a file that torch saved, executing nothing that it may hold.

    Args:
        path: The file.
        map_location: Device for the tensors.

    Returns:
        What was saved.

    Raises:
        InputError: The file is no checkpoint, is truncated, holds code, or claims to hold far more than it does.
    """
    check_regular(path)
    _refuse_inflated(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # of a file that is then refused
            content = torch.load(path, map_location=map_location or "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch names the pickle instruction that it refused; other bytes may look like that one
        held = "GLOBAL" in str(error) and _first_byte(path) in (b"P", b"\x80")
        reason = "holds objects that could run code; nothing of it was loaded" if held else "no checkpoint"
        raise InputError(f"{path}: {reason}") from error
    except Exception as error:  # in whatever way torch stumbles over bytes that it did not write
        raise InputError(f"{path}: no checkpoint, or a truncated one") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: no checkpoint: it holds a {type(content).__name__}")
    if _is_endless(content, set(), 0):
        raise InputError(f"{path}: no checkpoint: it holds parts that hold themselves, or more than {DEEPEST} in a row")
    _refuse_repeated(path, content)
    return content


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Reads a file of safetensors.

    Raises:
        InputError: It is none, or cannot be read.
    """
    check_regular(path)
    try:
        return load_file(path)
    except Exception as error:  # of the library, and of torch for kinds of numbers that it lacks
        raise InputError(f"{path}: no safetensors file ({' '.join(str(error).split())})") from error


def load_tensors(path: Path) -> dict[str, Any]:
    """Reads a file of safetensors, which its name says, or one that torch saved.

    Raises:
        InputError: It is neither, or cannot be read.
    """
    return load_safetensors(path) if path.suffix == ".safetensors" else load_checkpoint(path)


def _refuse_inflated(path: Path) -> None:
    """Refuses an archive that unpacks to more than it holds, before torch asks for memory: torch compresses nothing."""
    if not zipfile.is_zipfile(path):
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


def _refuse_repeated(path: Path, content: dict[str, Any]) -> None:
    """Refuses tensors that repeat few stored values to a size that whoever copies them would have to find memory for.

    A module can have such a tensor of a moderate size, made by `expand`.
    """
    beyond = sum(_beyond_storage(tensor) for tensor in _tensors(content))
    if beyond > max(FREE, path.stat().st_size):
        raise InputError(f"{path}: no checkpoint: its tensors repeat values, and a copy needs {beyond:,} bytes more")


def _beyond_storage(tensor: Tensor) -> int:
    """Returns how many bytes more a copy of a tensor would take than what is stored of it; a sparse one is stored."""
    if tensor.layout is not torch.strided:
        return 0
    stored = 0 if tensor.is_meta else tensor.untyped_storage().nbytes()
    return max(0, tensor.numel() * tensor.element_size() - stored)


def _tensors(content: Any) -> Iterator[Tensor]:
    """Yields the tensors within containers, each container once."""
    parts, known = [content], set()
    while parts:
        part = parts.pop()
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, dict | list | tuple | set) and id(part) not in known:
            known.add(id(part))
            parts += [*part.keys(), *part.values()] if isinstance(part, dict) else part


def _first_byte(path: Path) -> bytes:
    """Returns what torch's archives and pickled files begin with: P, or 128."""
    with open(path, "rb") as file:
        return file.read(1)


def _is_endless(value: Any, known: set[int], depth: int) -> bool:
    """Returns whether containers are within each other too often, as they are if one holds itself."""
    if not isinstance(value, dict | list | tuple | set) or id(value) in known:
        return False
    if depth > DEEPEST:
        return True
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    if any(_is_endless(part, known, depth + 1) for part in parts):
        return True
    known.add(id(value))
    return False
