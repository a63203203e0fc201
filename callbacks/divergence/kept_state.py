"""Copies of what a training step changes, from before a loss or gradient was not finite."""

from copy import deepcopy
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torchmetrics import Metric


class KeptBuffers:
    """Copies of a model's buffers and running metrics, which a forward pass changes before its loss is known.

    Buffers that no checkpoint keeps are constants, such as the weights of a fixed network, and are not copied.

    Args:
        pl_module: The model.
    """

    def __init__(self, pl_module: LightningModule) -> None:
        # places, not tensors: a metric replaces its tensors when it is reset
        self._buffers = [
            (module._buffers, name)
            for module in pl_module.modules()
            for name in module._buffers
            if name not in module._non_persistent_buffers_set
        ]
        metrics = [module for module in pl_module.modules() if isinstance(module, Metric)]
        self._states = [(metric, name) for metric in metrics for name in metric._defaults]
        places = len(self._buffers) + len(self._states)
        self._copies: list[Tensor | None] = [None] * places  # None for what is no tensor
        self._marks: list[tuple[Tensor, int] | None] = [None] * places  # a metric's tensor that was copied, its version

    def _values(self) -> list[Any]:
        values = [buffers[name] for buffers, name in self._buffers]
        return values + [getattr(metric, name) for metric, name in self._states]

    @torch.no_grad()
    def keep(self) -> None:
        """Copies all values that are tensors; those of metrics that have not changed since are copied already.

        Torch counts the changes of a tensor, but not those that a batch norm makes, nor any of one made in inference
        mode.
        """
        copies, values = [], []
        for place, value in enumerate(self._values()):
            mark, copy = self._marks[place], self._copies[place]
            if mark is not None and mark[0] is value and mark[1] == value._version:
                continue
            if not isinstance(value, Tensor):
                self._copies[place] = self._marks[place] = None
                continue
            if copy is None or copy.shape != value.shape:
                self._copies[place] = value.clone()
            else:
                copies.append(copy)
                values.append(value)
            if place >= len(self._buffers):
                self._marks[place] = None if value.is_inference() else (value, value._version)
        if copies:
            torch._foreach_copy_(copies, values)

    def restore(self) -> None:
        """Restores the latest copies; a value that has another shape by now stays as it is."""
        for value, copy in zip(self._values(), self._copies, strict=True):
            if copy is not None and isinstance(value, Tensor) and value.shape == copy.shape:
                value.data.copy_(copy)


def copy_full_state(trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
    """Copies weights, moving averages of them, and the states of all optimizers, on their device."""
    averages = averages_of(trainer)
    return {
        "weights": [[tensor.detach().clone() for tensor in model.parameters()] for model in (pl_module, *averages)],
        "buffers": [[tensor.clone() for tensor in model.buffers()] for model in averages],
        "optimizers": [deepcopy(optimizer.state_dict()) for optimizer in trainer.optimizers],
    }


def restore_full_state(trainer: Trainer, pl_module: LightningModule, state: dict[str, Any]) -> None:
    """Restores what `copy_full_state` has copied."""
    averages = averages_of(trainer)
    tensors = [list(model.parameters()) for model in (pl_module, *averages)] + [list(m.buffers()) for m in averages]
    with torch.no_grad():
        for now, kept in zip(tensors, state["weights"] + state["buffers"], strict=True):
            for tensor, copy in zip(now, kept, strict=True):
                tensor.copy_(copy)
    for optimizer, kept in zip(trainer.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)


def averages_of(trainer: Trainer) -> list[torch.nn.Module]:
    """Returns the moving averages of the model that callbacks keep."""
    return [callback._average_model for callback in averaging_callbacks(trainer)]


def averaging_callbacks(trainer: Trainer) -> list[WeightAveraging]:
    """Returns the callbacks that keep moving averages of the model."""
    return [callback for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]
