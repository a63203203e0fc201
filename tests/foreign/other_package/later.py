"""Ordinary models parts of which are not there, or not fixed, when they have been constructed."""

from typing import Any

import torch
from torch import Tensor, nn

from tests.foreign.other_package.models import Net


class MadeInSetup(Net):
    """A network whose head, and a buffer, are made in `setup`."""

    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.width = width
        del self.head

    def setup(self, stage: str) -> None:
        self.head = nn.Linear(8 * 14 * 14, self.width)
        self.register_buffer("shift", torch.zeros(self.width))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.shift


class MadeInConfigureModel(Net):
    """A network whose head is made in `configure_model`."""

    def __init__(self) -> None:
        super().__init__()
        self.head = None

    def configure_model(self) -> None:
        if self.head is None:
            self.head = nn.Linear(8 * 14 * 14, 5)


class Lazy(Net):
    """A network whose head knows its inputs only once it has seen some."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.LazyLinear(5)


class KeepsLess(Net):
    """A network whose checkpoints leave out a fixed part."""

    def __init__(self) -> None:
        super().__init__()
        self.strict_loading = False
        self.fixed = nn.Linear(5, 5).requires_grad_(False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        del checkpoint["state_dict"]["fixed.weight"], checkpoint["state_dict"]["fixed.bias"]


class Counting(nn.Linear):
    """A layer that keeps a number beside its weights."""

    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += self.training
        return super().forward(x)

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": self.calls}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.calls = state["calls"]


class Counted(Net):
    """A network with such a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Counting(8 * 14 * 14, 5)
