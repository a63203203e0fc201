"""Optimizers that torch does not have, the learning rates of optimizers by name, and which gradients they get.

Muon: Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon/. (`torch.optim.Muon` takes only matrices: no convolutions, and no second
rule for the other parameters.)
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from core.errors import InputError
from lightning_modules.alternating import Alternating

# Quintic Newton-Schulz iteration with the steepest slope at 0; the resulting singular values are about 0.7 to 1.2.
A, B, C = 3.4445, -4.7750, 2.0315
FEW = 5  # iterations after which the error of `_all_factors` is still small


def orthogonalize(matrix: Tensor, steps: int) -> Tensor:
    """Returns the nearest matrix whose singular values are all about 1, by Newton-Schulz iteration.

    Args:
        matrix: [M, N].
        steps: Number of iterations; after few iterations, small singular values are still below 1.

    Returns:
        [M, N]; bfloat16 on a GPU, else float32.
    """
    x = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    tall = len(x) > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)  # no singular value above 1
    if x.dtype == torch.float32 and 0 < steps <= FEW and 2 * len(x) <= x.shape[1]:
        x = _all_factors(x @ x.T, steps) @ x
    else:
        x = newton_schulz(x, steps)
    return x.T if tall else x


def newton_schulz(matrix: Tensor, steps: int) -> Tensor:
    """Returns a matrix after iterations that bring its singular values towards 1; none of them may be above 1."""
    for _ in range(steps):
        square = matrix @ matrix.T
        matrix = A * matrix + (B * square + C * square @ square) @ matrix
    return matrix


def _all_factors(square: Tensor, steps: int) -> Tensor:
    """Returns what all iterations together multiply a matrix by, from the left.

    It is found without products of the matrix itself, which takes half the time where it is much wider than high. The
    error of its singular values grows by up to A^2 an iteration.

    Args:
        square: The matrix times its transpose, float32 [M, M].
        steps: Number of iterations, at least 1.

    Returns:
        float32 [M, M].
    """
    product = factor = _factor(square)
    for _ in range(steps - 1):
        square = factor @ square @ factor
        factor = _factor(square)
        product = factor @ product
    return product


def _factor(square: Tensor) -> Tensor:
    """Returns what an iteration multiplies a matrix by, given the matrix times its transpose, [M, M]."""
    factor = B * square + C * square @ square
    factor.diagonal().add_(A)
    return factor


class Muon(Optimizer):
    """Orthogonalised momentum for hidden weights; SGD with Nesterov momentum for head, embeddings, norms and biases.

    One object over the groups that a model names `weights`, `embeddings`, `head`, `norms` and `biases`, so that a
    single schedule scales the learning rates of all. The head are the weights that give the outputs.

    Args:
        params: Parameter groups by name; without names, all matrices and convolutions count as hidden,
            embeddings and head, too.
        lr: Learning rate of hidden weights: the singular values of an update.
        momentum: Nesterov momentum of hidden weights.
        normalize: Scale every hidden weight to the norm sqrt(outputs) before its step. It keeps the relative size of
            steps constant; use it only where a batch norm follows each of these layers.
        iterations: Number of Newton-Schulz iterations.
        head_lr: Learning rate of head and embeddings.
        vector_lr: Learning rate of norms and biases.
        sgd_momentum: Nesterov momentum of all but hidden weights.
        weight_decay: Part of all but hidden weights that a step subtracts, independent of the configured learning
            rate; it is added to the gradient before momentum.

    Raises:
        InputError: A number is negative, or a group mixes hidden weights with others.
    """

    reads_names: ClassVar[bool] = True  # so that a task does not merge its groups

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        momentum: float = 0.95,
        normalize: bool = False,
        iterations: int = 5,
        head_lr: float = 0.1,
        vector_lr: float = 0.1,
        sgd_momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        for name, value in {"lr": lr, "head_lr": head_lr, "vector_lr": vector_lr, "weight_decay": weight_decay}.items():
            if value < 0:
                raise InputError(f"Muon: {name} is {value}: it cannot be negative")
        defaults = {"lr": lr, "momentum": momentum, "normalize": normalize, "iterations": iterations}
        super().__init__(params, defaults | {"weight_decay": 0.0, "hidden": True})
        for group in self.param_groups:
            has_head_rate = group.get("name") in ("head", "embeddings")
            hidden = {parameter.ndim > 1 and not has_head_rate for parameter in group["params"]}
            if len(hidden) > 1:
                raise InputError("Muon: a parameter group holds hidden weights and others; give each kind its own")
            if not hidden.pop():
                rate = head_lr if has_head_rate else vector_lr
                decay = weight_decay / rate if rate else 0.0  # an SGD step decays by their product
                group |= {"lr": rate, "momentum": sgd_momentum, "weight_decay": decay, "hidden": False}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the state of a checkpoint.

        Raises:
            InputError: Other weights are hidden there, as where an earlier release took embeddings or logistic units
                for hidden ones.
        """
        was, now = ([group["hidden"] for group in groups] for groups in (state_dict["param_groups"], self.param_groups))
        if was != now:
            raise InputError(
                "Muon: the checkpoint has other hidden weights, as of an earlier release, which took embeddings and "
                "some weights that give the outputs for hidden ones; start a new run"
            )
        super().load_state_dict(state_dict)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes a step; parameters without a gradient are not changed."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                update = self._momentum(parameter, group)
                if group["hidden"]:
                    if group["normalize"]:
                        parameter.mul_(len(parameter) ** 0.5 / parameter.norm().clamp_min(1e-7))
                    update = orthogonalize(update.flatten(1), group["iterations"]).view_as(parameter)
                parameter.add_(update, alpha=-group["lr"])
        return loss

    def _momentum(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        """Updates the momentum buffer and returns the Nesterov update."""
        gradient = parameter.grad.add(parameter, alpha=group["weight_decay"])
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        return gradient.add(state["momentum_buffer"].mul_(group["momentum"]).add_(gradient), alpha=group["momentum"])


def learning_rates(optimizers: Sequence[Optimizer]) -> dict[str, float]:
    """Returns learning rates by name.

    Returns:
        With one optimizer, `lr`, the rate of its first parameter group. With several optimizers or players,
        `lr/<group>` for every named group; `lr/<number of the optimizer>` for a group without a name, or with the name
        of another optimizer's group. Further groups of one name, as of each depth, have `/1`, `/2` behind it. A group
        without a rate has none here.
    """
    every = [(number, group) for number, optimizer in enumerate(optimizers) for group in optimizer.param_groups]
    groups = [(number, group) for number, group in every if "lr" in group]
    if not groups:  # a model without an optimizer
        return {}
    if len(optimizers) == 1 and not isinstance(optimizers[0], Alternating):
        return {"lr": float(groups[0][1]["lr"])}
    rates: dict[str, float] = {}
    owners: dict[Any, int] = {}
    for number, group in groups:
        name = group.get("name", number)
        is_own = owners.setdefault(name, number) == number
        first = f"lr/{name if is_own else number}"
        names = itertools.chain([first], (f"{first}/{place}" for place in itertools.count(1)))
        rates[next(one for one in names if one not in rates)] = float(group["lr"])
    return rates


def has_sparse_embeddings(network: nn.Module) -> bool:
    """Returns whether a network has embeddings whose gradients are sparse."""
    return any(isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse for module in network.modules())
