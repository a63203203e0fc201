"""Files of tensors that can come from anybody, read without running code: torch's own, and safetensors."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from core.archive_limits import refuse_inflated
from core.errors import InputError
from core.input_files import check_regular

DEEPEST = 50  # containers within each other in a file; a run's have fewer than ten


def load_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Reads a file that torch saved, executing nothing that it may hold.

    Args:
        path: The file.
        map_location: Device for the tensors.

    Returns:
        What was saved.

    Raises:
        InputError: The file is no checkpoint, is truncated, or holds code.
    """
    check_regular(path)
    refuse_inflated(path)
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


def best_checkpoint(run: Path) -> Path | None:
    """Returns the checkpoint of a run's best weights, or its last one; None if the folder has neither."""
    files = [run / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
    return next((file for file in files if file.is_file()), None)


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
