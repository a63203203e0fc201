"""The tensors of a batch, and a plain copy of it, whatever it is: tensors in tuples, dicts or objects of any class."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

SIMPLE = str | bytes | int | float | bool | None
DEEPEST = 20  # levels of a batch, which may refer to itself


def tensors_of(value: Any, depth: int = 0) -> list[Tensor]:
    """Returns all tensors of a batch or of a module's output, in order."""
    if isinstance(value, Tensor):
        return [value]
    if depth == DEEPEST:
        return []
    return [tensor for part in _parts(value).values() for tensor in tensors_of(part, depth + 1)]


def is_finite(value: Any) -> bool:
    """Returns whether all numbers of a batch or of a module's output are finite."""
    tensors = (tensor for tensor in tensors_of(value) if tensor.is_floating_point() or tensor.is_complex())
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def plain_copy(value: Any, depth: int = 0) -> Any:
    """Returns a copy as dicts, lists and tensors on the CPU, which `torch.load` reads with `weights_only=True`.

    Named tuples and objects become dicts of their attributes; what holds no tensor and is no simple value, its text.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, SIMPLE):
        return value
    if depth == DEEPEST:
        return str(value)
    parts = {key: plain_copy(part, depth + 1) for key, part in _parts(value).items()}
    if type(value) in (list, tuple):
        return type(value)(parts.values())
    return parts if parts or isinstance(value, Mapping) else str(value)


def _parts(value: Any) -> dict[Any, Any]:
    """Returns what a collection or an object holds, by key, place or attribute."""
    if isinstance(value, SIMPLE | type):
        return {}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str | int) else str(key): part for key, part in value.items()}
    if isinstance(value, tuple) and type(value) is not tuple:
        names = getattr(type(value), "_fields", range(len(value)))  # a named tuple has no base class to check for
        return dict(zip(names, value, strict=True))
    if isinstance(value, list | tuple | set | frozenset):
        return dict(enumerate(value))
    if dataclasses.is_dataclass(value):  # its attributes may be slots
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return getattr(value, "__dict__", {})  # an object with slots has none
