"""Tensors are compared to the bit."""

import pytest
import torch
from torch import Tensor

from core.tensor_bits import have_same_bits

NAN = torch.tensor(torch.nan)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (NAN, NAN.clone(), True),
        (torch.tensor([1.0, torch.nan]), torch.tensor([2.0, torch.nan]), False),
        (torch.tensor(0.0), torch.tensor(-0.0), False),
        (torch.arange(6)[::2], torch.tensor([0, 2, 4]), True),
        (torch.ones(2, 3), torch.ones(3, 2), False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), False),
        (torch.tensor([True]), torch.tensor([True]), True),
        (torch.empty(0), torch.empty(0), True),
    ],
)
def test_tensors_are_the_same_in_kind_shape_and_bits(one: Tensor, other: Tensor, same: bool) -> None:
    assert have_same_bits(one, other) == same
