"""Gradients are checked as they are, and learning rates."""

import math

import pytest
import torch
from torch import Tensor, nn

from callbacks.divergence.finite import GradientCheck, bad_rate

CPU = torch.device("cpu")


def _sparse(value: float) -> Tensor:
    return torch.tensor([0.0, value, 2.0]).to_sparse()


def _with_graph(value: float) -> Tensor:
    return torch.tensor([1.0, value], requires_grad=True) * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda value: torch.tensor(value),
        lambda value: torch.tensor([1.0, value, 1e18]),
        lambda value: torch.tensor([1.0, value]).double(),
        lambda value: torch.tensor([1.0, value]).bfloat16(),
        lambda value: torch.tensor([1.0, value]).half(),
        lambda value: torch.tensor([1.0, value]).to(torch.complex64),
        lambda value: torch.full((2, 3, 4, 4), value).to(memory_format=torch.channels_last),
        lambda value: torch.full((3, 4), value).t(),
        lambda value: torch.tensor([[value]]).expand(3, 4),
        _sparse,
        _with_graph,
    ],
    ids=["scalar", "large", "64", "bf16", "16", "complex", "channels last", "turned", "expanded", "sparse", "graph"],
)
@pytest.mark.parametrize("value", [0.5, -0.0, math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_found_in_any_gradient(make, value: float) -> None:
    check = GradientCheck(CPU)
    for gradients in ([make(value)], [torch.ones(2), make(value), torch.ones(3)], [make(value), _sparse(1.0)]):
        before = [gradient.detach().clone() for gradient in gradients]
        assert math.isfinite(check(gradients)) == math.isfinite(value)
        torch.testing.assert_close(gradients, before, rtol=0, atol=0, equal_nan=True)
    assert math.isfinite(GradientCheck(CPU)([torch.ones(2)]))


def test_a_check_that_has_found_nothing_goes_on_looking() -> None:
    check = GradientCheck(CPU)
    for value in (1.0, 2.0, math.nan):
        assert math.isfinite(check([torch.full((3,), value)])) == math.isfinite(value)


def test_a_gradient_with_a_graph_can_be_differentiated_after_its_check() -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    (weight.grad,) = torch.autograd.grad(weight.pow(4).sum(), weight, create_graph=True)
    assert math.isfinite(GradientCheck(CPU)([weight.grad]))
    (second,) = torch.autograd.grad(weight.grad.pow(2).sum(), weight)
    assert float(second) == 2 * 4 * 27 * 12 * 9


def test_a_rate_that_is_not_finite_is_returned() -> None:
    weights = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    rates = [{"params": [weight], "lr": rate} for weight, rate in zip(weights, (0.1, 0.2), strict=True)]
    optimizer = torch.optim.SGD(rates)
    assert bad_rate([optimizer]) is None
    optimizer.param_groups[1]["lr"] = math.inf
    assert bad_rate([optimizer]) == math.inf
