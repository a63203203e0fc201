"""The optimizer of a task's network or of a part of it, made from its parameter groups with their factors."""

from collections.abc import Callable
from typing import Protocol

from torch import nn
from torch.optim import Optimizer

from core.errors import InputError
from lightning_modules.tasks.parameter_groups import can_merge, reads_names


class HasOptimizer(Protocol):
    """A task, as far as its optimizer needs it."""

    make_optimizer: Callable[[list[dict]], Optimizer]
    decay_norms_and_biases: bool
    norm_lr_factor: float
    goes_on_merged: bool
    made_of_settings: frozenset[str]

    def parameter_groups(self, network: nn.Module | None = None, by_use: bool = False) -> list[dict]:
        """Returns the parameter groups of a part of its network, or of all."""

    def output_weights(self) -> list[nn.Parameter] | None:
        """Returns the weights that give the outputs, or None if it is not known which do."""


def made_optimizer(task: HasOptimizer, network: nn.Module) -> Optimizer:
    """Returns the optimizer that a task has for a network, which is the task itself or a part of it.

    Raises:
        InputError: The optimizer has no learning rates, or needs to know which weights give the outputs.
    """
    part = None if network is task else network
    task.made_of_settings |= {"optimizer"}
    optimizer = task.make_optimizer(task.parameter_groups(part))
    if reads_names(optimizer):
        _check_outputs(task, optimizer)
        optimizer = task.make_optimizer(task.parameter_groups(part, by_use=True))
    if any("lr" not in group for group in optimizer.param_groups):
        name = type(optimizer).__name__
        raise InputError(f"--model.optimizer {name}: its parameter groups have no lr, which schedules set")
    for group in optimizer.param_groups:
        group["lr"] *= group.get("depth_factor", 1)
        if group["name"] in ("norms", "biases") and not task.decay_norms_and_biases:
            group["weight_decay"] = 0.0
        if group["name"] == "norms" and task.norm_lr_factor != 1:
            # SGD decays by lr * weight_decay, which the factor must not change
            group["lr"] *= task.norm_lr_factor
            group["weight_decay"] = group.get("weight_decay", 0.0) / task.norm_lr_factor
    # Merged, because each group costs some twenty microseconds per step; not where weight decay, which a run that
    # goes on may change, would divide them.
    if (task.decay_norms_and_biases or task.goes_on_merged) and can_merge(optimizer):
        optimizer = task.make_optimizer([{"name": "all", "params": list(network.parameters())}])
    return optimizer


def _check_outputs(task: HasOptimizer, optimizer: Optimizer) -> None:
    if task.output_weights() is None:
        name, network = type(optimizer).__name__, type(task).__name__
        raise InputError(
            f"--model.optimizer {name}: it has a rule of its own for the weights that give the outputs, which "
            f"{network} does not name; take another optimizer, or name them by output_weights in its code"
        )
