"""What is pooled, and all gradients, are those of a plain convolution; what pooling drops is not computed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lightning_modules.layers.pooled_convolution import PooledConv2d


@pytest.mark.parametrize("size", [(7, 7), (5, 6), (6, 5), (8, 8)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_pooled_maps_and_gradients_are_those_of_a_plain_convolution(size: tuple[int, int], bias: bool) -> None:
    ours = PooledConv2d(3, 4, bias=bias).double()
    plain = nn.Conv2d(3, 4, 3, padding=1, bias=bias).double()
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    found = []
    for layer in (ours, plain):
        x = images.clone().requires_grad_()
        pooled = F.max_pool2d(layer(x), 2)
        (pooled * torch.arange(pooled.numel()).view_as(pooled)).sum().backward()
        found.append([pooled, x.grad, *(parameter.grad for parameter in layer.parameters())])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_a_row_and_a_column_that_pooling_drops_are_not_computed() -> None:
    assert PooledConv2d(3, 4)(torch.zeros(1, 3, 7, 5)).shape == (1, 4, 6, 4)
