"""Updates all weights of a step in one pass over memory, on a CPU."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer

from lightning_modules.alternating import with_players
from lightning_modules.optimizers import has_sparse_embeddings

FUSED = (Adam, AdamW, SGD, Adagrad)  # have one kernel for CPUs; classes derived from them may not use it


class FusedOptimizers(Callback):
    """Switches a new run's optimizers to torch's fused kernels, unless their configuration says another way.

    These update a weight in one pass over memory in place of a dozen. They assume that gradients and moments have the
    memory layout of their weight; with another layout the result is silently wrong. Moments of a checkpoint are
    therefore laid out as the weights are, and an optimizer with such gradients, or sparse ones, is not fused. The
    layout of a gradient is known from its first step on, since autograd gives it that of its weight. SGD is not fused
    either if the momentum of some weights begins later than that of others. A resumed run keeps the kernels that it
    has, because results differ by rounding.
    """

    def __init__(self) -> None:
        self._unchecked: list[tuple[dict[str, Any], list[Tensor]]] = []  # groups, and weights without a gradient yet

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Switches optimizers, after a checkpoint has restored theirs."""
        self._unchecked = []
        if pl_module.device.type != "cpu":
            return
        begins = trainer.global_step == 0 and not has_sparse_embeddings(pl_module)
        for optimizer in with_players(trainer.optimizers):
            if type(optimizer) not in FUSED:
                continue
            for group in optimizer.param_groups:
                if begins and _is_free(group):
                    group["fused"] = True
                if group["fused"] and _begins_apart(optimizer.state, group):
                    group["fused"] = False
                if group["fused"]:
                    _prepare(optimizer.state, group)
                    self._unchecked.append((group, group["params"]))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Looks at the first gradient of each weight."""
        if not self._unchecked:
            return
        remaining = []
        for group, weights in self._unchecked:
            if not all(one.grad is None or _lie_alike(one, one.grad) for one in weights):
                group["fused"] = False
            elif later := [one for one in weights if one.grad is None]:
                remaining.append((group, later))
        self._unchecked = remaining


def _is_free(group: dict[str, Any]) -> bool:
    """Returns whether a group's settings leave the way of its update open."""
    undecided = group.get("fused") is None and group.get("foreach") is None
    usual = not (group.get("capturable") or group.get("differentiable") or isinstance(group["lr"], Tensor))
    return undecided and usual and all(weight.is_floating_point() for weight in group["params"])


def _begins_apart(state: dict[Tensor, dict[str, Any]], group: dict[str, Any]) -> bool:
    """Returns whether weights may get their first momentum in different steps, for which the kernel of SGD fails.

    A weight that is fixed when a run goes on may have trained before, and then has its momentum.
    """
    later = any(not one.requires_grad and "momentum_buffer" not in state.get(one, {}) for one in group["params"])
    return bool(group.get("momentum") and (later or group["dampening"]))


def _prepare(state: dict[Tensor, dict[str, Any]], group: dict[str, Any]) -> None:
    """Begins missing momentum with zeros, and lays out moments in memory as their weights are."""
    for weight in group["params"]:
        if group.get("momentum") and state[weight].get("momentum_buffer") is None:
            state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        for name, value in state[weight].items() if weight in state else ():
            if isinstance(value, Tensor) and value.shape == weight.shape and not _lie_alike(weight, value):
                state[weight][name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _lie_alike(weight: Tensor, other: Tensor) -> bool:
    """Returns whether two dense tensors of one shape have one order in memory; sides of 1 have any."""
    if other.layout != weight.layout:
        return False
    sides = [axis for axis, side in enumerate(weight.shape) if side > 1]
    return all(weight.stride(axis) == other.stride(axis) for axis in sides)
