"""Logistic regression: its two objectives."""

import torch
import torch.nn.functional as F

from lightning_modules import LogisticRegression

IMAGES = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([0, 1, 1, 0, 1, 0])


def unit(**settings: object) -> LogisticRegression:
    """Returns a unit with weights that are not 0."""
    torch.manual_seed(0)
    return LogisticRegression(initializer="xavier", **settings)


def test_cross_entropy_is_that_of_the_probability() -> None:
    model = unit()
    z = model.linear(IMAGES.flatten(1))[:, 0]
    expected = F.binary_cross_entropy_with_logits(z, TARGETS.float())
    torch.testing.assert_close(model.loss(model(IMAGES), TARGETS), expected)


def test_squared_error_is_between_probability_and_class() -> None:
    model = unit(objective="squared_error")
    p = model(IMAGES).softmax(1)[:, 1]
    torch.testing.assert_close(model.loss(model(IMAGES), TARGETS), (p - TARGETS).square().mean())
    smoothed = TARGETS * 0.9 + 0.05
    torch.testing.assert_close(model.loss(model(IMAGES), TARGETS, 0.1), (p - smoothed).square().mean())
