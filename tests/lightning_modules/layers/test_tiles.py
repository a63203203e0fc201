"""Tiles give the losses and the gradient of a whole picture, and cover it once."""

import pytest
import torch
from torch import Tensor

from lightning_modules.layers.named_networks import make_feature_network
from lightning_modules.layers.style_comparison import Comparison
from lightning_modules.layers.style_losses import Weighting
from lightning_modules.layers.tiles import tiles_of

CONTENT, STYLE = {"relu3_2": 1.0}, {"relu1_1": 0.5, "relu2_1": 0.3, "relu3_1": 0.2}


def comparison(tile: int | None, **changes: object) -> Comparison:
    network, _ = make_feature_network("random:vgg19", {**CONTENT, **STYLE}, changes.pop("pooling", "max"))
    return Comparison(network.double(), Weighting(CONTENT, STYLE, changes.pop("scale", "relative")), 2.0, 3.0, tile)


def losses_and_gradient(one: Comparison, masked: bool) -> tuple[list[float], Tensor]:
    rng = torch.Generator().manual_seed(0)
    picture, content = (255 * torch.rand(1, 3, 149, 203, generator=rng, dtype=torch.float64) for _ in range(2))
    styles = [255 * torch.rand(1, 3, 120, 90, generator=rng, dtype=torch.float64) for _ in range(2)]
    mask = torch.rand(1, 1, 149, 203, generator=rng, dtype=torch.float64) if masked else torch.empty(0)
    picture.requires_grad_()
    shares = torch.tensor([0.7, 0.3], dtype=torch.float64)
    compared = one.compare(picture, one.targets(content, styles), shares, one.amounts(mask, (149, 203)))
    compared.weighted.backward()
    return [float(value.detach()) for value in compared], picture.grad


@pytest.mark.parametrize(("scale", "masked"), [("relative", False), ("absolute", False), ("relative", True)])
def test_tiles_give_the_losses_and_the_gradient_of_the_whole(scale: str, masked: bool) -> None:
    whole, gradient = losses_and_gradient(comparison(None, scale=scale), masked)
    tiled, gradient_of_tiles = losses_and_gradient(comparison(64, scale=scale), masked)
    assert tiled == pytest.approx(whole, rel=1e-9)
    torch.testing.assert_close(gradient_of_tiles, gradient, rtol=1e-7, atol=float(gradient.abs().max()) * 1e-9)


def test_a_margin_that_is_too_narrow_changes_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above looks at the seams."""
    _, gradient = losses_and_gradient(comparison(None), False)
    narrow = comparison(64)
    for name, place in narrow.network.places.items():
        narrow.network.places[name] = place._replace(radius=0)
    _, other = losses_and_gradient(narrow, False)
    assert (other - gradient).abs().max() > 0.01 * gradient.abs().max()


def test_tiles_cover_every_pixel_once() -> None:
    network = comparison(None).network
    covered = torch.zeros(149, 203)
    for tile in tiles_of(149, 203, 50, network):
        top, bottom, left, right = tile.inner
        covered[top:bottom, left:right] += 1
        assert top % 4 == left % 4 == 0
    assert (covered == 1).all()


def test_measuring_without_gradients_gives_the_same() -> None:
    one = comparison(64)
    content = 255 * torch.rand(1, 3, 80, 96, dtype=torch.float64)
    targets = one.targets(content, [content])
    with torch.no_grad():
        compared = one.compare(content, targets, torch.ones(1, dtype=torch.float64))
    assert float(compared.weighted) == pytest.approx(0, abs=1e-12)
