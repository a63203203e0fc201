"""Copies of what a training step changes, from before a loss or gradient was not finite."""

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
        self._is_kept: list[bool] = []
        self._copies: list[Tensor] = []

    def _values(self) -> list[Any]:
        values = [buffers[name] for buffers, name in self._buffers]
        return values + [getattr(metric, name) for metric, name in self._states]

    @torch.no_grad()
    def keep(self) -> None:
        """Copies all values that are tensors."""
        values = self._values()
        self._is_kept = [isinstance(value, Tensor) for value in values]
        tensors = [value for value in values if isinstance(value, Tensor)]
        if tensors and [copy.shape for copy in self._copies] == [tensor.shape for tensor in tensors]:
            torch._foreach_copy_(self._copies, tensors)
        else:
            self._copies = [tensor.clone() for tensor in tensors]

    def restore(self) -> None:
        """Restores the latest copies; a value that has another shape by now stays as it is."""
        kept = [value for value, is_kept in zip(self._values(), self._is_kept, strict=True) if is_kept]
        for value, copy in zip(kept, self._copies, strict=True):
            if isinstance(value, Tensor) and value.shape == copy.shape:
                value.data.copy_(copy)


def copy_full_state(trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
    """Copies weights, moving averages of them, and the states of all optimizers, on their device."""
    averages = averages_of(trainer)
    return {
        "weights": [[tensor.detach().clone() for tensor in model.parameters()] for model in (pl_module, *averages)],
        "buffers": [[tensor.clone() for tensor in model.buffers()] for model in averages],
        "optimizers": [_copy(optimizer.state_dict()) for optimizer in trainer.optimizers],
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
    return [callback._average_model for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]


def _copy(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.clone()
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list | tuple) else tree
