"""What deterministic runs on a GPU compute in another way is the same, with the same gradients."""

import pytest
import torch
from torch import nn

from lightning_modules.fast_style import FastStyle
from lightning_modules.layers import deterministic
from lightning_modules.layers.deterministic import ReflectingConv2d, needs_order, scaled
from lightning_modules.layers.feature_network import FeatureNetwork, Form


@pytest.mark.parametrize(("size", "stride", "bias"), [(1, 1, True), (3, 1, True), (3, 2, False), (9, 1, True)])
def test_a_reflecting_convolution_is_torchs(
    size: int, stride: int, bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    ours = ReflectingConv2d(3, 4, size, stride, bias)
    theirs = nn.Conv2d(3, 4, size, stride, size // 2, padding_mode="reflect", bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 11, 6).to(memory_format=torch.channels_last).requires_grad_()
    expected = theirs(x)
    (gradient,) = torch.autograd.grad(expected.square().sum(), x)
    assert torch.equal(ours(x), expected)
    monkeypatch.setattr(deterministic, "needs_order", lambda _: True)
    found = ours(x)
    assert torch.equal(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), x)[0], gradient)


@pytest.mark.parametrize("scale", [0.5, 0.3, 0.01])
def test_matrix_products_scale_as_interpolation_does(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    picture = (255 * torch.rand(1, 3, 37, 50)).requires_grad_()
    expected = scaled(picture, scale)
    (gradient,) = torch.autograd.grad(expected.square().sum(), picture)
    monkeypatch.setattr(deterministic, "needs_order", lambda _: True)
    with torch.autocast("cpu"):
        found = scaled(picture, scale)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), picture)[0], gradient, rtol=1e-4, atol=1e-4)
    assert scaled(picture, 1) is picture


def test_only_deterministic_runs_on_other_devices_than_cpus_need_it() -> None:
    here, there = torch.zeros(1), torch.zeros(1, device="meta")  # stands for a GPU
    assert not needs_order(there)
    torch.use_deterministic_algorithms(True)
    try:
        assert needs_order(there)
        assert not needs_order(here)
    finally:
        torch.use_deterministic_algorithms(False)


def test_networks_that_reflect_use_no_padding_of_torchs() -> None:
    form = Form((1,), padding="reflect")
    weights = {"conv1_1.weight": torch.randn(4, 3, 3, 3), "conv1_1.bias": torch.zeros(4)}
    network, painter = FeatureNetwork(form, weights, ["conv1_1"], "max"), FastStyle(32, width=2, blocks=1)
    assert all(any(isinstance(part, ReflectingConv2d) for part in one.modules()) for one in (network, painter))
    for module in [*network.modules(), *painter.modules()]:
        assert isinstance(module, ReflectingConv2d) or getattr(module, "padding_mode", "zeros") == "zeros"
