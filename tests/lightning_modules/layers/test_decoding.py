"""The next symbol is chosen as asked for, and what is written is fed back."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from lightning_modules.layers.decoding import Sampling, decode


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.5, 0.3, 0.15, 0.05]),
        ({"top_k": 2}, [0.5, 0.3, 0, 0]),
        ({"top_p": 0.8}, [0.5, 0.3, 0, 0]),
        ({"top_p": 0.81}, [0.5, 0.3, 0.15, 0]),
        ({"top_p": 0.01}, [0.5, 0, 0, 0]),
        ({"top_p": 1e-50}, [0.5, 0, 0, 0]),
        ({"top_k": 3, "top_p": 0.6}, [0.5, 0.3, 0, 0]),
        ({"temperature": 0.5}, [0.6849, 0.2466, 0.0616, 0.0068]),
        ({"temperature": 0.0}, [1, 0, 0, 0]),
    ],
)
def test_the_symbols_that_are_considered_are_narrowed(settings: dict, expected: list[float]) -> None:
    order = torch.tensor([2, 0, 3, 1])
    probabilities = torch.empty(4).scatter_(0, order, torch.tensor([0.5, 0.3, 0.15, 0.05]))
    weights = Sampling(**settings).weights(probabilities.log()[None])[0]
    torch.testing.assert_close(weights[order], torch.tensor(expected, dtype=torch.float32), atol=1e-4, rtol=0)


def test_symbols_are_drawn_as_often_as_they_are_probable() -> None:
    logits = torch.tensor([0.7, 0.2, 0.1]).log().expand(20_000, 3)
    drawn = Sampling().draw(logits, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 1)
    shares = F.one_hot(drawn[:, 0], 3).float().mean(0)
    torch.testing.assert_close(shares, torch.tensor([0.7, 0.2, 0.1]), atol=0.02, rtol=0)


def test_each_symbol_is_the_next_input_and_the_state_is_handed_on() -> None:
    seen: list[tuple[list[int], int]] = []

    def step(symbols: Tensor, state: int) -> tuple[Tensor, int]:
        seen.append((symbols[:, 0].tolist(), state))
        return F.one_hot((symbols + 1) % 5, 5).float(), state + 1  # the symbol after the last one

    first = F.one_hot(torch.tensor([3, 0]), 5).float()
    written = decode(step, first, 7, 4, Sampling(temperature=0.0), torch.Generator())
    assert written.tolist() == [[3, 4, 0, 1], [0, 1, 2, 3]]
    assert seen == [([3, 0], 7), ([4, 1], 8), ([0, 2], 9)], "nothing is computed that is not needed"


@pytest.mark.parametrize("settings", [{"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}])
def test_values_out_of_range_are_errors(settings: dict) -> None:
    with pytest.raises(InputError, match=f"model.{next(iter(settings))} is .*: (at least|more than) 0"):
        Sampling(**settings)
