"""The forms in which people save weights, and how two sets of weights differ."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.protocols import LoadsTorchvision

# Under which files hold a network's weights beside other things, the first that is there first.
ENTRIES = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module")
WRAPPERS = ("module", "_orig_mod")  # modules that DataParallel, DistributedDataParallel and torch.compile put around
SHOWN = 10


def weights_in(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Returns the tensors by name that a file holds, directly or under one of the usual names; empty if there are none.

    Args:
        content: What the file holds.

    Raises:
        InputError: It holds several sets of weights under other names.
    """
    own = _tensors(content)
    sets = {key: held for key, value in content.items() if isinstance(value, Mapping) and (held := _deeper(key, value))}
    for key in ENTRIES:
        if key in sets:
            return sets[key]
    largest = max(map(len, sets.values()), default=0)
    if len(own) >= largest:
        return own
    if len(sets) > 1:
        raise InputError(
            f"holds several sets of weights ({', '.join(map(str, sets))}); save the one that is meant alone"
        )
    return next(iter(sets.values()))


def _deeper(key: Any, value: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Returns the weights in a part of a file; an optimizer's state has its tensors by number."""
    return {} if str(key).startswith(("optim", "sched", "callbacks", "loops")) else weights_in(value)


def _tensors(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {key: value for key, value in content.items() if isinstance(key, str) and _is_plain(value)}


def _is_plain(value: object) -> bool:
    """Whether a value is a tensor whose numbers a model's own can be set to."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not (value.is_complex() or value.is_meta)


def namings(model: torch.nn.Module, given: dict[str, Tensor], own: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Yields weights under the names that they may have in a model.

    They are as given, without wrappers, and with another beginning of all names, such as that of a network which one
    of the two holds as `net`; each also under torchvision's names if the model knows them.

    Args:
        model: The model.
        given: The weights.
        own: The names in the model.
    """
    bare = {_without_wrappers(name): value for name, value in given.items()}
    beginning, ours = _shared_beginning(bare), _shared_beginning(own)
    shorter = {name.removeprefix(beginning): value for name, value in bare.items()}
    longer = {ours + name: value for name, value in bare.items()}
    for weights in (given, bare, shorter, longer, {ours + name: value for name, value in shorter.items()}):
        yield weights
        if isinstance(model, LoadsTorchvision):
            yield model.from_torchvision(weights)


def _shared_beginning(names: Iterable[str]) -> str:
    """Returns the modules that all names begin with, such as `net.`; nothing for other names."""
    modules = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return "".join(f"{column[0]}." for column in takewhile(lambda column: len(set(column)) == 1, modules))


def _without_wrappers(name: str) -> str:
    parts = name.split(".")
    while parts[0] in WRAPPERS and len(parts) > 1:
        parts = parts[1:]
    return ".".join(part for part in parts if part != WRAPPERS[1])


def other_shapes(theirs: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    """Returns the names that both sides have in different shapes, with these."""
    both = [name for name in theirs if name in own and theirs[name].shape != own[name].shape]
    return [f"{name}: {list(theirs[name].shape)} there, {list(own[name].shape)} in the model" for name in both]


def few(lines: list[str]) -> list[str]:
    """Returns the first lines, and how many more there are."""
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"and {rest:,} more"]
