"""The forms in which people save weights, and how two sets of weights differ."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.protocols.general import LoadsTorchvision, StartsFromCounts, StartsFromSamples
from engine.settings.run_search import architecture_of

# Under which files hold a network's weights beside other things, the first that is there first.
ENTRIES = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module")
WRAPPERS = ("module", "_orig_mod")  # modules that DataParallel, DistributedDataParallel and torch.compile put around
SHOWN = 10
Shapes = Mapping[str, Sequence[int | None]]  # of a model's tensors by name; None where a size is not known


def weights_in(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Returns the tensors by name that a file holds, directly or under one of the usual names; empty if there are none.

    Args:
        content: What the file holds.

    Raises:
        InputError: It holds several sets of weights under other names.
    """
    for key in ENTRIES:
        if isinstance(value := content.get(key), Mapping) and (held := weights_in(value)):
            return held
    own = _tensors(content)
    sets = {key: held for key, value in content.items() if isinstance(value, Mapping) and (held := _deeper(key, value))}
    largest = max(map(len, sets.values()), default=0)
    if len(own) >= largest:
        return own
    if len(sets) > 1:
        raise InputError(
            f"holds several sets of weights ({', '.join(map(str, sets))}); save the one that is meant alone"
        )
    return next(iter(sets.values()))


def _deeper(key: Any, value: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Returns the weights in a part of a file; an optimizer's state, whatever its name is, has other tensors."""
    others = str(key).startswith(("optim", "sched", "callbacks", "loops")) or {"state", "param_groups"} <= value.keys()
    return {} if others else weights_in(value)


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


def without_metrics(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Returns the tensors of a state by name, without those of running metrics, which all models of a task have."""
    return {name: value for name, value in state.items() if "_metrics." not in name and isinstance(value, Tensor)}


def may_be(shape: Sequence[int | None], given: Tensor) -> bool:
    """Returns whether a tensor has a shape, as far as that is known."""
    sizes = zip(shape, given.shape, strict=False)
    return len(shape) == given.ndim and all(size in (None, theirs) for size, theirs in sizes)


def shown(shape: Sequence[int | None]) -> str:
    """Returns a shape as text."""
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]"


def fit_weights(
    model: torch.nn.Module, weights: Mapping[str, Tensor], shapes: Shapes, name: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Finds what of weights fits a model by name and shape, under the names of `namings` that fit most of its kernels.

    Where sizes are not known whatever is there may fit, so that what is refused here is refused in any sizes.

    Args:
        model: The model, in any sizes.
        weights: Tensors by name.
        shapes: The shapes of the model's tensors.
        name: Where the weights come from, for messages.

    Returns:
        What fits, and all weights, under these names.

    Raises:
        InputError: Nothing fits, or so little that it is another network's.
    """
    kernels = [key for key, value in model.named_parameters() if value.ndim > 1]
    given, most = without_metrics(weights), (-1, -1)
    for naming in namings(model, given, shapes):
        fits = {key: value for key, value in naming.items() if key in shapes and may_be(shapes[key], value)}
        if most < (count := (sum(key in fits for key in kernels), len(fits))):
            most, fitting, offered = count, fits, naming
    # A few norms of one width fit anywhere. Half of the kernels leaves room for a new head and other images.
    if (found := most[0]) and 2 * found >= len(kernels):
        return fitting, offered
    theirs, ours = architecture_of(name), type(model).__name__
    if theirs not in ("", ours):
        few_fit = f"only {found} of this model's {len(kernels)} layers fit" if found else "no layer fits"
        raise InputError(
            f"--weights {name}: these are weights of another architecture, {theirs} (this model is {ours}): {few_fit} "
            "in name and shape"
        )
    if others := other_shapes(offered, shapes):
        has = "; ".join(others[:3]) + (f"; and {len(others) - 3:,} more" if len(others) > 3 else "")
    else:
        has = f"it has {_first_beside(given, shapes)}, the model {_first_beside(shapes, given)}"
    if not found:
        raise InputError(f"--weights {name}: nothing in it fits this model ({has})")
    raise InputError(
        f"--weights {name}: only {found} of this model's {len(kernels)} layers fit: it is of another network, "
        f"or of this one in other sizes ({has})"
    )


def set_in_part(model: torch.nn.Module, fitting: Container[str], offered: Container[str]) -> dict[str, str]:
    """Returns buffers that fit, but not all of their layer, which starts from data and would believe to be set by them.

    Args:
        model: The model.
        fitting: Names of the weights that fit.
        offered: Names of all weights.

    Returns:
        The names of the buffers, and of the layer of each.
    """
    found: dict[str, str] = {}
    for name, layer in model.named_modules():
        if not isinstance(layer, StartsFromSamples | StartsFromCounts):
            continue
        prefix = f"{name}." if name else ""
        kept = layer._buffers.keys() - layer._non_persistent_buffers_set
        buffers = [prefix + key for key in layer._buffers if key in kept]
        # a parameter that the weights have not, such as a bias, keeps the start that it has without data
        parameters = [prefix + key for key, _ in layer.named_parameters(recurse=False) if prefix + key in offered]
        if any(key not in fitting for key in (*buffers, *parameters)):
            found |= {key: name or "the model" for key in buffers if key in fitting}
    return found


def _first_beside(names: Iterable[str], others: Container[str]) -> str:
    """Returns the first name that is not among others, or the first of all; `nothing` if there is none."""
    return next((name for name in names if name not in others), next(iter(names), "nothing"))


def other_shapes(theirs: Mapping[str, Tensor], own: Shapes) -> list[str]:
    """Returns the names that both sides have in different shapes, with these."""
    both = [name for name in theirs if name in own and not may_be(own[name], theirs[name])]
    return [f"{name}: {shown(theirs[name].shape)} there, {shown(own[name])} in the model" for name in both]


def few(lines: list[str]) -> list[str]:
    """Returns the first lines, and how many more there are."""
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"and {rest:,} more"]
