"""Muon makes orthogonal steps of hidden weights and SGD steps of the rest."""

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import SoftmaxRegression
from lightning_modules.optimizers import Muon, orthogonalize
from lightning_modules.schedules import WarmupLinear
from tests.tiny import tiny_vgg


def singular_values(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(matrix)


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16)])
def test_an_orthogonalised_matrix_keeps_its_singular_vectors_and_loses_its_scales(shape: tuple[int, int]) -> None:
    left, _ = torch.linalg.qr(torch.randn(shape[0], 8, generator=torch.Generator().manual_seed(0)))
    right, _ = torch.linalg.qr(torch.randn(shape[1], 8, generator=torch.Generator().manual_seed(1)))
    scales = torch.linspace(0.2, 1.0, 8)
    result = orthogonalize(left @ scales.diag() @ right.T, steps=5)
    core = left.T @ result @ right  # diagonal in the same vectors
    assert torch.allclose(core, core.diag().diag(), atol=1e-4)
    assert ((core.diag() > 0.65) & (core.diag() < 1.25)).all()


@pytest.mark.parametrize("shape", [(4, 7), (4, 8), (4, 60), (60, 4)])
@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_wide_matrices_are_iterated_as_others_are(shape: tuple[int, int], steps: int) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    left, scales, right = torch.linalg.svd(matrix.double() / matrix.norm(), full_matrices=False)
    for _ in range(steps):  # an iteration is this polynomial of each singular value
        scales = 3.4445 * scales - 4.7750 * scales**3 + 2.0315 * scales**5
    torch.testing.assert_close(orthogonalize(matrix, steps), (left * scales @ right).float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [5, 12])
def test_a_wide_matrix_of_low_rank_stays_in_bounds(steps: int) -> None:
    rng = torch.Generator().manual_seed(3)
    result = orthogonalize(torch.randn(64, 8, generator=rng) @ torch.randn(8, 576, generator=rng), steps)
    assert singular_values(result)[:8].min() > 0.6
    assert singular_values(result).max() < 1.25


def test_a_step_of_hidden_weights_is_orthogonal_and_as_long_as_the_learning_rate() -> None:
    weight = nn.Parameter(torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0)))
    before = weight.detach().clone()
    weight.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    Muon([weight], lr=0.5, iterations=5).step()
    step = singular_values((before - weight.detach()).flatten(1)) / 0.5
    assert ((step > 0.6) & (step < 1.25)).all()


def test_the_size_of_the_gradient_does_not_matter_to_hidden_weights() -> None:
    ends = []
    for scale in (1.0, 1000.0):
        weight = nn.Parameter(torch.zeros(6, 5))
        optimizer = Muon([weight], lr=0.1, momentum=0.6)
        for seed in range(3):
            weight.grad = scale * torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))
            optimizer.step()
        ends.append(weight.detach().clone())
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)


def test_normalised_weights_have_the_norm_of_their_outputs_before_the_step() -> None:
    weight = nn.Parameter(torch.randn(9, 4) * 7)
    weight.grad = torch.zeros(9, 4)  # orthogonalised, nothing
    Muon([weight], normalize=True).step()
    assert weight.norm().item() == pytest.approx(3.0)


def test_a_weight_of_zeros_can_be_normalised() -> None:
    weight = nn.Parameter(torch.zeros(3, 3))
    weight.grad = torch.eye(3)
    Muon([weight], lr=0.1, normalize=True).step()
    assert torch.isfinite(weight).all()
    assert weight.abs().max() > 0.05


def test_head_and_vectors_go_as_torchs_sgd_takes_them() -> None:
    model = tiny_vgg()
    ours = {group["name"]: group["params"] for group in model.parameter_groups()}
    theirs = {name: [nn.Parameter(p.detach().clone()) for p in ours[name]] for name in ("head", "norms", "biases")}
    muon = Muon(model.parameter_groups(), head_lr=0.3, vector_lr=0.05, sgd_momentum=0.85, weight_decay=0.004)
    groups = [
        {"params": params, "lr": lr, "weight_decay": 0.004 / lr}
        for params, lr in ((theirs["head"], 0.3), (theirs["norms"], 0.05), (theirs["biases"], 0.05))
    ]
    sgd = torch.optim.SGD(groups, momentum=0.85, nesterov=True)
    for step in range(4):
        rng = torch.Generator().manual_seed(step)
        for name in theirs:
            for one, other in zip(ours[name], theirs[name], strict=True):
                one.grad = torch.randn(one.shape, generator=rng)
                other.grad = one.grad.clone()
        muon.step()
        sgd.step()
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name])


def test_one_schedule_scales_all_groups() -> None:
    model = tiny_vgg()
    optimizer = Muon(model.parameter_groups(), lr=0.2, head_lr=8.0, vector_lr=4.0)
    rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
    assert rates == {"weights": 0.2, "head": 8.0, "norms": 4.0, "biases": 4.0}
    schedule = WarmupLinear(optimizer, warmup=0, total_steps=4)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.15, 6.0, 3.0, 3.0])


def test_the_closure_is_called_with_gradients_on() -> None:
    weight = nn.Parameter(torch.ones(2, 2))

    def closure() -> torch.Tensor:
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert Muon([weight]).step(closure) == 4
    assert not torch.equal(weight, torch.ones(2, 2))


@pytest.mark.parametrize("name", ["lr", "head_lr", "vector_lr", "weight_decay"])
def test_a_negative_number_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"Muon: {name} is -0.1: it cannot be negative"):
        Muon([nn.Parameter(torch.ones(2, 2))], **{name: -0.1})


def test_a_group_of_two_kinds_is_refused() -> None:
    with pytest.raises(InputError, match="holds hidden weights and others"):
        Muon(nn.Linear(2, 2).parameters())


@pytest.mark.parametrize("bias", [True, False])
def test_a_head_alone_keeps_the_rule_of_heads(bias: bool) -> None:
    """A task merges groups that are alike, and these are told apart by their names."""
    model = SoftmaxRegression(3, image_size=2, in_channels=1, optimizer=Muon)
    if not bias:
        for layer in model.head_layers():
            layer.register_parameter("bias", None)
    groups = model.optimizer_of(model).param_groups
    assert [group["name"] for group in groups] == ["head", "biases"][: 1 + bias]
    assert not any(group["hidden"] for group in groups)
