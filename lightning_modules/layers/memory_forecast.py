"""How much memory style transfer will take, worked out before it begins."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from core.errors import InputError
from core.processes.memory import available_memory
from lightning_modules.layers.feature_network import Features
from lightning_modules.layers.tiles import tiles_of

BUFFERS = 3  # copies of the largest output: gradients of two neighbouring layers, and a reordered one
GB = 1e9
PROBE = 64  # pixels of a picture that shows what blocks of layers save


class Forecast(NamedTuple):
    """Bytes that a run takes at most, in parts."""

    now: int
    features: int
    optimizer: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)

    def __str__(self) -> str:
        """Returns it in words."""
        parts = f"{self.now / GB:.1f} now, features {self.features / GB:.1f}, optimizer {self.optimizer / GB:.1f}"
        return f"about {self.total / GB:.1f} GB at most ({parts})"


def forecast(
    network: Features,
    size: tuple[int, int],
    tile: int | None,
    value_bytes: int,
    optimizers: Iterable[Optimizer],
    layers: Iterable[str],
) -> Forecast:
    """Works out what a picture takes.

    Args:
        network: The network that sees it.
        size: Its height and width.
        tile: Longest side of the tiles that it is taken in; None takes it whole.
        value_bytes: Bytes of a feature: 4 in float32.
        optimizers: The optimizers.
        layers: Layers whose features of the content are kept.
    """
    whole = tile is None or max(size) <= tile
    seen = size
    if not whole:
        outer = [one.outer for one in tiles_of(*size, tile, network)]
        seen = max((bottom - top, right - left) for top, bottom, left, right in outer)
    kept = sum(4 * math.prod(_shape(network, layer, size)) for layer in layers)
    return Forecast(_resident(), kept + _of_network(network, seen, value_bytes), sum(map(_of_optimizer, optimizers)))


def check_memory(found: Forecast, size: tuple[int, int], tile: int | None, smaller: int | None) -> None:
    """Checks that a run fits into the memory of this machine.

    Args:
        found: The forecast.
        size: Height and width of the picture.
        tile: Longest side of the tiles.
        smaller: A side of tiles that takes less; None where the network takes no tiles.

    Raises:
        InputError: It does not; the message has what helps.
    """
    available = available_memory()
    if available is None or found.total - found.now <= available:
        return
    ways = [f"--model.tile {smaller}"] if smaller is not None and (tile is None or smaller < tile) else []
    ways += ["a smaller --data.long_side", "a smaller history_size of L-BFGS"]
    raise InputError(
        f"a picture of {size[1]}x{size[0]} takes {found}, and {available / GB:.1f} GB are available: give "
        f"{', or '.join(ways)}"
    )


def _shape(network: Features, layer: str, size: tuple[int, int]) -> tuple[int, int, int]:
    place = network.places[layer]
    return place.channels, *network.size_at(layer, size)


def _of_network(network: Features, size: tuple[int, int], value_bytes: int) -> int:
    """Returns what a forward and a backward pass need at most."""
    has_blocks = any([*step.children()] for step in network.steps)
    saved, largest = (_of_blocks if has_blocks else _of_layers)(network, size, value_bytes)
    return saved + BUFFERS * largest


def _of_layers(network: Features, size: tuple[int, int], value_bytes: int) -> tuple[int, int]:
    """Returns what all layers save for the backward pass, and the largest output, each step being a layer."""
    saved, largest = 0, 0
    for name, step in network.steps.named_children():
        if name not in network.places:
            continue
        numbers = math.prod(_shape(network, name, size))
        largest = max(largest, numbers * value_bytes)
        if not (isinstance(step, nn.ReLU) and step.inplace):
            saved += numbers * value_bytes
        if isinstance(step, nn.MaxPool2d):
            saved += numbers * 8  # which of four was largest
    return saved, largest


def _of_blocks(network: Features, size: tuple[int, int], value_bytes: int) -> tuple[int, int]:
    """Returns the same where steps are blocks of layers: what a small picture shows, in proportion to the area."""
    constant = next(network.buffers())
    picture = torch.zeros(1, 3, PROBE, PROBE, dtype=constant.dtype, device=constant.device, requires_grad=True)
    saved: dict[int, int] = {}  # bytes, by the place in memory: several layers can save the same

    def note(tensor: Tensor) -> Tensor:
        if tensor.shape[:1] == (1,):  # of the picture; a kernel has more in this dimension, and does not grow
            saved[tensor.data_ptr()] = tensor.nbytes
        return tensor

    precision = torch.autocast(constant.device.type, torch.bfloat16, enabled=value_bytes == 2)
    with torch.enable_grad(), precision, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _features = network(picture)  # as long as these are there, so is what they need
    area = math.prod(size) / PROBE**2
    return math.ceil(area * sum(saved.values())), math.ceil(area * max(saved.values()))


def _of_optimizer(optimizer: Optimizer) -> int:
    numbers = sum(parameter.numel() for group in optimizer.param_groups for parameter in group["params"])
    settings: dict[str, Any] = optimizer.param_groups[0]
    copies = 2 * settings["history_size"] + 6 if isinstance(optimizer, LBFGS) else 3
    return 4 * numbers * copies


def _resident() -> int:
    """Returns the memory of this process; 0 where it is unknown (outside Linux)."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
