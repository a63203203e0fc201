"""Adversarial losses by hand, and their penalties against gradients that are known."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, logsigmoid

from lightning_modules.layers.adversarial_losses import (
    between,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)

REAL, GENERATED = torch.tensor([2.0, -0.5]), torch.tensor([0.3, -3.0])


def entropy(scores: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


@pytest.mark.parametrize(
    ("kind", "discriminator", "generator"),
    [
        ("original", entropy(REAL, 1) + entropy(GENERATED, 0), logsigmoid(-GENERATED).mean()),
        ("non_saturating", entropy(REAL, 1) + entropy(GENERATED, 0), entropy(GENERATED, 1)),
        ("least_squares", torch.tensor((1.0 + 2.25 + 0.09 + 9.0) / 4), torch.tensor((0.49 + 16.0) / 4)),
        ("hinge", torch.tensor((0 + 1.5) / 2 + (1.3 + 0) / 2), torch.tensor(2.7 / 2)),
        ("wasserstein", torch.tensor(-2.7 / 2 - 1.5 / 2), torch.tensor(2.7 / 2)),
    ],
)
def test_losses(kind: str, discriminator: Tensor, generator: Tensor) -> None:
    torch.testing.assert_close(discriminator_loss(kind, REAL, GENERATED), discriminator)
    torch.testing.assert_close(generator_loss(kind, GENERATED), generator)


def test_smoothed_labels() -> None:
    expected = entropy(REAL, 0.9) + entropy(GENERATED, 0)
    torch.testing.assert_close(discriminator_loss("non_saturating", REAL, GENERATED, 0.9), expected)
    squares = ((REAL - 0.9) ** 2).mean() / 2 + (GENERATED**2).mean() / 2
    torch.testing.assert_close(discriminator_loss("least_squares", REAL, GENERATED, 0.9), squares)


def test_the_difference_of_two_logits_is_a_classifier_of_two_classes() -> None:
    logits = torch.tensor([[0.2, 1.5], [-1.0, 0.3]])
    classes = torch.ones(2).long()
    expected = cross_entropy(logits, classes)
    torch.testing.assert_close(generator_loss("non_saturating", logits[:, 1] - logits[:, 0]), expected)


def test_scores_that_are_sure_stay_finite() -> None:
    for kind in ("original", "non_saturating"):
        assert math.isfinite(discriminator_loss(kind, torch.tensor([-1e4]), torch.tensor([1e4])))
        assert math.isfinite(generator_loss(kind, torch.tensor([-1e4])))


def test_penalties_of_a_linear_critic() -> None:
    """Its gradient is its weight, of norm 5, everywhere."""
    images = torch.rand(4, 1, 2, 1, requires_grad=True)
    weight = nn.Parameter(torch.tensor([3.0, 4.0]))
    scores = images.flatten(1) @ weight
    assert r1_penalty(scores, images).item() == pytest.approx(12.5)
    assert gradient_penalty(images.flatten(1) @ weight, images).item() == pytest.approx(16)
    r1_penalty(scores, images).backward()
    torch.testing.assert_close(weight.grad, weight.detach())


def test_a_flat_critic_has_a_penalty_whose_gradient_is_finite() -> None:
    images = torch.rand(2, 1, 2, 2, requires_grad=True)
    weight = nn.Parameter(torch.zeros(4))
    gradient_penalty(images.flatten(1) @ weight, images).backward()
    assert torch.isfinite(weight.grad).all()


def test_points_between_lie_on_a_line() -> None:
    real, generated = torch.zeros(8, 1, 2, 2), torch.ones(8, 1, 2, 2)
    mixed = between(real, generated)
    assert (mixed.flatten(1).std(1) == 0).all()  # one share for all pixels of a picture
    assert 0 <= mixed.min() < mixed.max() <= 1
