"""A loop over steps is what torch's layers compute."""

import pytest
import torch
from torch import nn

from lightning_modules.layers.recurrent_cells import ScratchLSTM
from lightning_modules.layers.scanned import is_exported_at_any_length, scanned, scanned_layer


@pytest.mark.parametrize("state", ["zero", "carried"])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_loop_equals_torchs_layer(kind: type[nn.RNNBase], state: str) -> None:
    torch.manual_seed(0)
    layer, x = kind(4, 5, batch_first=True), torch.randn(3, 6, 4)
    parts = 2 if kind is nn.LSTM else 1
    before = tuple(torch.randn(3, 5) for _ in range(parts)) if state == "carried" else None
    with torch.no_grad():
        given = None if before is None else tuple(part[None] for part in before)
        expected, after = layer(x, given if parts == 2 or given is None else given[0])
        outputs, ours = scanned_layer(layer, x, before)
    torch.testing.assert_close(outputs, expected)
    for mine, theirs in zip(ours, after if parts == 2 else (after,), strict=True):
        torch.testing.assert_close(mine, theirs[0])


def test_a_loop_equals_one_in_python() -> None:
    torch.manual_seed(0)
    layer, x = ScratchLSTM(4, 5), torch.randn(3, 6, 4)
    with torch.no_grad():
        expected, _ = layer(x, None)
        given = nn.functional.linear(x, layer.weights.weight_ih_l0, layer.weights.bias_ih_l0 + layer.weights.bias_hh_l0)
        recurrent, zero = layer.weights.weight_hh_l0.T, torch.zeros(3, 5)
        one = lambda now, h, c: layer.step(torch.addmm(now, h, recurrent), c)  # noqa: E731
        outputs, _ = scanned(one, given, (zero, zero.clone()))
    torch.testing.assert_close(outputs, expected)


def test_training_knows_no_such_loop() -> None:
    assert not is_exported_at_any_length(torch.zeros(1, 2, 3))
