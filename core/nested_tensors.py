"""The tensors of a batch and copies of it, whatever it is: tensors in tuples, dicts or objects of any class."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from core.protocols import GivesFirst

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
        names = type(value)._fields if is_named(value) else range(len(value))
        return dict(zip(names, value, strict=True))
    if isinstance(value, list | tuple | set | frozenset):
        return dict(enumerate(value))
    if dataclasses.is_dataclass(value):  # its attributes may be slots
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return getattr(value, "__dict__", {})  # an object with slots has none


def first_samples(batch: Any, count: int) -> Any:
    """Returns a batch of copies of a batch's first samples: tensors, alone or in tuples, lists and dictionaries.

    Args:
        batch: The batch. What has as many rows as its first tensor belongs to the samples, row by row.
        count: How many samples to take, at most.
    """
    if isinstance(batch, GivesFirst):
        return batch.first(count)
    rows = next((len(tensor) for tensor in tensors_of(batch) if tensor.ndim), 0)
    return _cut(batch, rows, count)


def _cut(part: Any, rows: int, count: int) -> Any:
    if isinstance(part, Tensor):
        return part[:count].clone() if part.ndim and len(part) == rows else part
    if isinstance(part, Mapping):
        return {name: _cut(value, rows, count) for name, value in part.items()}
    if isinstance(part, tuple | list):
        parts = [_cut(value, rows, count) for value in part]
        return part._make(parts) if is_named(part) else type(part)(parts)
    return part


def is_named(part: Any) -> bool:
    """Returns whether something is a named tuple, which has no base class to check for."""
    return isinstance(part, tuple) and getattr(type(part), "_fields", None) is not None
