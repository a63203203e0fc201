"""The layers of a network in the order in which they are called, and what they return."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Call:
    """A layer that was called.

    Attributes:
        name: Its name in the network.
        module: The layer.
        given: Shape of its first input.
        returned: Shape of its output.
    """

    name: str
    module: nn.Module
    given: tuple[int, ...]
    returned: tuple[int, ...]

    @property
    def is_leaf(self) -> bool:
        """Whether it has no layers within it."""
        return next(self.module.children(), None) is None

    @property
    def has_kernels(self) -> bool:
        """Whether it has weights of three or more dimensions, as convolutions have."""
        return any(parameter.ndim > 2 for parameter in self.module.parameters(recurse=False))

    @property
    def map_side(self) -> int:
        """Height or width of the maps that it returns, whichever is less; 0 if it returns none."""
        return min(self.returned[2:]) if len(self.returned) == 4 else 0


@torch.no_grad()
def calls_of(model: nn.Module, call: Callable[[], Any]) -> list[Call]:
    """Lists the layers that a call of a network goes through, in the order in which they end.

    Args:
        model: The network.
        call: Calls it.
    """
    found: list[Call] = []

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
                found.append(Call(name, module, tuple(inputs[0].shape), tuple(output.shape)))

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in model.named_modules() if name]
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    return found


def map_layers(calls: list[Call]) -> list[Call]:
    """Returns the last layer of each size of maps that comes behind a convolution, from the input to the output.

    Poolings are left out: they return what the layer before them has, in a smaller size.
    """
    found: dict[tuple[int, ...], Call] = {}
    kernels: set[tuple[int, ...]] = set()
    for one in calls:
        if one.map_side < 2:
            continue
        size = one.returned[2:]
        if one.is_leaf and one.has_kernels:
            kernels.add(size)
        if size in kernels:
            found[size] = one
    return list(found.values())


def outputs_of(layers: Sequence[Call], call: Callable[[], Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Calls a network, and returns what it and some of its layers return, the layers' part of the graph.

    A layer that is called several times returns maps of several sizes; those of its recorded size are taken.

    Args:
        layers: The layers.
        call: Calls the network, with any number of samples.
    """
    kept: dict[Call, Tensor] = {}

    def keep(layer: Call) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, Tensor) and output.shape[1:] == layer.returned[1:]:
                kept[layer] = output

        return hook

    hooks = [layer.module.register_forward_hook(keep(layer)) for layer in layers]
    try:
        result = call()
    finally:
        for hook in hooks:
            hook.remove()
    return result, [kept[layer] for layer in layers]
