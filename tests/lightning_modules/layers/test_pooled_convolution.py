"""What is pooled, and all gradients, are those of a plain convolution; training on a CPU computes nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lightning_modules.layers.pooled_convolution import PooledConv2d


@pytest.mark.parametrize("size", [(7, 7), (5, 6), (6, 5), (8, 8), (17, 17)], ids=str)
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


def test_what_pooling_drops_is_not_computed_in_training_on_a_cpu() -> None:
    layer, images = PooledConv2d(3, 4), torch.zeros(1, 3, 7, 5)
    assert layer(images).shape == (1, 4, 6, 4)
    assert layer.eval()(images).shape == (1, 4, 7, 5)
    assert layer.train().to("meta")(images.to("meta")).shape == (1, 4, 7, 5)
