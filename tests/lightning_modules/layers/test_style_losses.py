"""Gram matrices, relative and absolute losses, and total variation, by numbers worked out by hand."""

import pytest
import torch

from lightning_modules.layers.style_losses import Targets, Weighting, full, gram_sum, total_variation

FEATURES = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # [1, 2, 1, 2]
PRODUCTS = torch.tensor([[5.0, 11.0], [11.0, 25.0]])
ONE = torch.ones(1)


def weighting(scale: str) -> Weighting:
    return Weighting({"a": 2.0}, {"a": 0.5}, scale)


def test_a_gram_matrix_has_the_products_of_all_pairs_of_channels() -> None:
    torch.testing.assert_close(gram_sum(FEATURES), PRODUCTS)
    torch.testing.assert_close(weighting("relative").gram(FEATURES), PRODUCTS / 2)
    torch.testing.assert_close(weighting("absolute").gram(FEATURES), PRODUCTS / (2 * 2))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_of_products_is_autograds(layout: torch.memory_format, masked: bool) -> None:
    values = torch.rand(1, 3, 4, 5, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    amount = torch.rand(1, 1, 4, 5, dtype=torch.float64) if masked else None
    assert torch.autograd.gradcheck(lambda features: gram_sum(features, amount).square(), values)
    gram_sum(values, amount).sum().backward()
    assert values.grad.is_contiguous(memory_format=layout)


def test_places_outside_a_mask_do_not_count() -> None:
    amount = torch.tensor([[[[0.0, 0.5]]]])
    torch.testing.assert_close(weighting("relative").gram(FEATURES, amount), torch.tensor([[4.0, 8.0], [8.0, 16.0]]))


def test_absolute_losses_are_mean_squared_errors() -> None:
    targets = Targets({"a": torch.zeros_like(FEATURES)}, [{"a": torch.zeros(2, 2)}])
    assert weighting("absolute").content_loss({"a": FEATURES}, targets) == 2 * (1 + 4 + 9 + 16) / 4
    assert weighting("absolute").style_loss({"a": PRODUCTS}, targets, ONE) == 0.5 * (25 + 121 + 121 + 625) / 4


def test_style_losses_of_the_papers_are_larger_by_the_squared_channels() -> None:
    channels, places = 3, 20
    one, other = torch.rand(2, 1, channels, 4, 5, generator=torch.Generator().manual_seed(0)).unbind()
    losses = Weighting({}, {"a": 1.0}, "absolute")
    ours = losses.style_loss({"a": losses.gram(one)}, Targets({}, [{"a": losses.gram(other)}]), ONE)
    difference = gram_sum(one) - gram_sum(other)
    gatys = difference.square().sum() / (4 * channels**2 * places**2)
    johnson = (difference / (channels * places)).square().sum()
    torch.testing.assert_close(gatys, channels**2 / 4 * ours)
    torch.testing.assert_close(johnson, channels**2 * ours)


def test_relative_losses_are_the_same_for_features_of_any_size() -> None:
    found = []
    for size in (1.0, 1000.0):
        targets = Targets({"a": size * FEATURES.flip(1)}, [{"a": size**2 * PRODUCTS.flip(1)}])
        losses = weighting("relative")
        found.append(float(losses.content_loss({"a": size * FEATURES}, targets)))
        found.append(float(losses.style_loss({"a": size**2 * PRODUCTS}, targets, ONE)))
    assert found[:2] == pytest.approx(found[2:])
    assert found[0] == pytest.approx(2 * 4 / 7.5)  # every difference is 2


def test_styles_count_by_their_shares() -> None:
    targets = Targets({}, [{"a": torch.zeros(2, 2)}, {"a": PRODUCTS}])
    alone = weighting("absolute").style_loss({"a": PRODUCTS}, targets._replace(grams=targets.grams[:1]), ONE)
    both = weighting("absolute").style_loss({"a": PRODUCTS}, targets, torch.tensor([0.25, 0.75]))
    assert both == pytest.approx(0.25 * alone)


def test_sums_of_half_precision_are_taken_in_single() -> None:
    many = torch.full((1, 1, 100, 100), 0.1, dtype=torch.bfloat16)
    assert gram_sum(many) == pytest.approx(100.2, abs=0.5)
    assert gram_sum(many).dtype == torch.float32
    assert full(torch.ones(1, dtype=torch.float64)).dtype == torch.float64


def test_total_variation_is_the_mean_square_of_differences() -> None:
    picture = torch.tensor([[[[0.0, 1.0], [3.0, 3.0]]]])
    assert total_variation(picture) == (9 + 4) / 2 + (1 + 0) / 2
    assert total_variation(torch.full((1, 3, 4, 4), 7.0)) == 0
