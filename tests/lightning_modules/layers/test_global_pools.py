"""The largest value of each map, with the gradient that the adaptive layer gives, ties included."""

import pytest
import torch
from torch import nn

from lightning_modules.layers.global_pools import GlobalMaxPool


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_values_and_gradients_are_those_of_the_adaptive_layer(dtype: torch.dtype, layout: torch.memory_format) -> None:
    values = torch.randint(-2, 3, (8, 4, 3, 5)).to(dtype).to(memory_format=layout)
    gradient = torch.randn(8, 4, 1, 1).to(dtype)
    found = []
    for layer in (GlobalMaxPool(), nn.AdaptiveMaxPool2d(1)):
        x = values.clone().requires_grad_()
        pooled = layer(x)
        pooled.backward(gradient)
        found.append((pooled, x.grad))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))
