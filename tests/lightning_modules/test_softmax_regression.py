"""Softmax regression: its size, and that it is linear."""

import torch

from lightning_modules import SoftmaxRegression


def test_it_has_a_weight_for_each_pixel_and_class_and_a_bias_for_each_class() -> None:
    assert sum(p.numel() for p in SoftmaxRegression(10).parameters()) == 30_730
    assert sum(p.numel() for p in SoftmaxRegression(10, in_channels=1, image_size=28).parameters()) == 7_850


def test_it_starts_undecided() -> None:
    probabilities = SoftmaxRegression(5)(torch.randn(3, 3, 32, 32)).softmax(1)
    torch.testing.assert_close(probabilities, torch.full((3, 5), 0.2))


def test_an_initialiser_makes_it_start_elsewhere() -> None:
    torch.manual_seed(0)
    weight = SoftmaxRegression(10, initializer="normal", initializer_scale=1.0).linear.weight
    assert abs(weight.std().item() - 1) < 0.02


def test_logits_are_linear_in_the_image() -> None:
    model = SoftmaxRegression(4, initializer="xavier")
    a, b = torch.randn(2, 1, 3, 32, 32).unbind(0)
    torch.testing.assert_close(model(2 * a - b), 2 * model(a) - model(b), atol=1e-4, rtol=1e-4)
