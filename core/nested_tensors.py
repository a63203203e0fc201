"""The tensors of a batch and copies of it, whatever it is: tensors in tuples, dicts or objects of any class."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.protocols.general import GivesFirst

Nested = TypeVar("Nested")
SIMPLE = str | bytes | int | float | bool | None
DEEPEST = 20  # levels of a batch, which may refer to itself


def tensors_of(value: Any) -> list[Tensor]:
    """Returns all tensors of a batch or of a module's output, in order; what is held in several places counts once."""
    return _tensors_of(value, {}, 0)


def _tensors_of(value: Any, known: dict[int, Any], depth: int) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, SIMPLE) or depth == DEEPEST or id(value) in known:
        return []
    known[id(value)] = value  # kept, so that nothing else gets its id
    return [tensor for part in _parts(value).values() for tensor in _tensors_of(part, known, depth + 1)]


def is_finite(value: Any) -> bool:
    """Returns whether all numbers of a batch or of a module's output are finite."""
    tensors = (tensor for tensor in tensors_of(value) if tensor.is_floating_point() or tensor.is_complex())
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def plain_copy(value: Any) -> Any:
    """Returns a copy as dicts, lists and tensors on the CPU, which `torch.load` reads with `weights_only=True`.

    Named tuples and objects become dicts of their attributes; what holds no tensor and is no simple value, its text.
    """
    return _plain_copy(value, {}, 0)


def _plain_copy(value: Any, known: dict[int, tuple[Any, Any]], depth: int) -> Any:
    """Returns a copy; `known` has what was copied by id, and its copy, which may not be filled yet."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, SIMPLE):
        return value
    if id(value) in known:
        return known[id(value)][1]
    if depth == DEEPEST:
        return str(value)
    parts = _parts(value)
    if not parts and type(value) not in (list, tuple) and not isinstance(value, Mapping):
        return str(value)
    if type(value) is tuple:  # it cannot be filled later; what it holds may have copied it by then
        copies = tuple(_plain_copy(part, known, depth + 1) for part in parts.values())
        return known.setdefault(id(value), (value, copies))[1]
    copy: Any = [] if type(value) is list else {}
    known[id(value)] = value, copy
    if type(value) is list:
        copy += [_plain_copy(part, known, depth + 1) for part in parts.values()]
    else:
        copy |= {key: _plain_copy(part, known, depth + 1) for key, part in parts.items()}
    return copy


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
    return map_tensors(lambda part: part[:count].clone() if part.ndim and len(part) == rows else part, batch)


def map_tensors(change: Callable[[Tensor], Tensor], value: Nested) -> Nested:
    """Returns a nested structure of tuples, lists and dictionaries with each tensor changed; all else stays."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {name: map_tensors(change, part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [map_tensors(change, part) for part in value]
        return value._make(parts) if is_named(value) else type(value)(parts)
    return value


def is_named(part: Any) -> bool:
    """Returns whether something is a named tuple, which has no base class to check for."""
    return isinstance(part, tuple) and getattr(type(part), "_fields", None) is not None
