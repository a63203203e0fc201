"""Copies of what a training step changes, from before a loss or gradient was not finite."""

from collections import defaultdict
from copy import deepcopy
from itertools import zip_longest
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torchmetrics import Metric

from lightning_modules.tasks.metrics import ClassificationMetrics

Refills = dict[tuple[torch.device, torch.dtype], tuple[list[Tensor], list[Tensor]]]  # copies, and what they are to hold


class KeptBuffers:
    """Copies of a model's buffers and running metrics, which a forward pass changes before its loss is known.

    Buffers that no checkpoint keeps are constants, such as the weights of a fixed network, and are not copied.

    Args:
        pl_module: The model.
    """

    def __init__(self, pl_module: LightningModule) -> None:
        # places, not tensors: a metric replaces its tensors when it is reset
        self._places: list[tuple[dict[str, Any], str]] = [
            (module._buffers, name)
            for module in pl_module.modules()
            for name in module._buffers
            if name not in module._non_persistent_buffers_set
        ]
        self._first_state = len(self._places)  # of a metric; buffers come before
        metrics = [module for module in pl_module.modules() if isinstance(module, Metric)]
        # a wrapper shares the defaults of the metric within, which holds the states
        self._places += [(vars(one), name) for one in metrics for name in one._defaults if name in vars(one)]
        self._waiting: list[tuple[ClassificationMetrics, list]] = [
            (metric, []) for metric in metrics if isinstance(metric, ClassificationMetrics)
        ]
        self._copies: list[Tensor | None] = [None] * len(self._places)  # None for what is no tensor
        self._marks: list[tuple[Tensor, int] | None] = [None] * len(self._places)  # of a copied state: its version

    def _changed(self) -> list[int]:
        """Returns the places of what may have changed since it was copied."""
        return [
            place
            for place, ((holder, name), mark) in enumerate(zip(self._places, self._marks, strict=True))
            if mark is None or holder[name] is not mark[0] or mark[0]._version != mark[1]
        ]

    @torch.no_grad()
    def keep(self) -> None:
        """Copies all values that are tensors; those of metrics that have not changed since are copied already.

        Torch counts the changes of a tensor, but not those that a batch norm makes, nor any of one made in inference
        mode.
        """
        copies, values = [], []
        for place in self._changed():
            holder, name = self._places[place]
            value, copy = holder[name], self._copies[place]
            if not isinstance(value, Tensor):
                self._copies[place] = self._marks[place] = None
                continue
            if copy is None or copy.shape != value.shape:
                self._copies[place] = value.clone()
            else:
                copies.append(copy)
                values.append(value)
            if place >= self._first_state:
                self._marks[place] = None if value.is_inference() else (value, value._version)
        if copies:
            torch._foreach_copy_(copies, values)
        for metric, waiting in self._waiting:
            waiting[:] = metric.waiting

    def restore(self) -> None:
        """Restores the latest copies; a value that has another shape by now stays as it is."""
        for metric, waiting in self._waiting:
            metric.waiting = list(waiting)
        for (holder, name), copy in zip(self._places, self._copies, strict=True):
            value = holder[name]
            if copy is not None and isinstance(value, Tensor) and value.shape == copy.shape:
                value.data.copy_(copy)


class KeptState:
    """Copies of weights, of moving averages of them, and of the states of all optimizers, on their device.

    Args:
        trainer: The trainer.
        pl_module: The model.
    """

    def __init__(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._trainer = trainer
        self._pl_module = pl_module
        self._copies: dict[str, list] = {}

    def _tensors(self) -> list[Tensor]:
        averages = averages_of(self._trainer)
        weights = [tensor for model in (self._pl_module, *averages) for tensor in model.parameters()]
        return weights + [tensor for model in averages for tensor in model.buffers()]

    @torch.no_grad()
    def keep(self) -> None:
        """Copies everything, into the tensors of the last copies where these fit."""
        state = {
            "tensors": self._tensors(),
            "optimizers": [optimizer.state_dict() for optimizer in self._trainer.optimizers],
        }
        refills: Refills = defaultdict(lambda: ([], []))
        self._copies = _copied(state, self._copies, refills)
        for copies, values in refills.values():
            torch._foreach_copy_(copies, values)

    def restore(self) -> None:
        """Restores the latest copies; those of the optimizers are theirs from then on, since a run ends with this."""
        with torch.no_grad():
            for tensor, copy in zip(self._tensors(), self._copies["tensors"], strict=True):
                tensor.copy_(copy)
        for optimizer, kept in zip(self._trainer.optimizers, self._copies["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


def _copied(value: Any, before: Any, refills: Refills) -> Any:
    """Returns a copy of nested values, with the tensors of an earlier copy where these fit.

    Args:
        value: The values.
        before: The earlier copy of them, or anything else.
        refills: Is given the tensors of the earlier copy that are used again, and what they have to hold.
    """
    if isinstance(value, Tensor):
        if not _fits(value, before):
            return value.detach().clone()
        copies, values = refills[value.device, value.dtype]  # apart: one kernel copies those of one kind
        copies.append(before)
        values.append(value)
        return before
    if type(value) is dict:
        earlier = before if type(before) is dict else {}
        return {key: _copied(one, earlier.get(key), refills) for key, one in value.items()}
    if type(value) is list:
        earlier = before if type(before) is list else []
        return [_copied(one, was, refills) for one, was in zip_longest(value, earlier[: len(value)])]
    return deepcopy(value)


def _fits(value: Tensor, copy: Any) -> bool:
    """Returns whether a dense tensor can be copied into an earlier copy."""
    if not isinstance(copy, Tensor) or not value.layout == copy.layout == torch.strided:
        return False
    return (value.shape, value.dtype, value.device) == (copy.shape, copy.dtype, copy.device)


def averages_of(trainer: Trainer) -> list[torch.nn.Module]:
    """Returns the moving averages of the model that callbacks keep."""
    return [callback._average_model for callback in averaging_callbacks(trainer)]


def averaging_callbacks(trainer: Trainer) -> list[WeightAveraging]:
    """Returns the callbacks that keep moving averages of the model."""
    return [callback for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]
