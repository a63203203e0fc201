"""Recurrent layers as exporters of graphs take them: a loop that a file can hold, over texts of any length."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan  # of torch's documentation, though its public name is still to come

State = tuple[Tensor, ...]  # the output h [B, H], and for LSTMs also the cell c [B, H]
Step = Callable[..., State]  # of what a step is given from the inputs, and of the state before it


def is_exported_at_any_length(x: Tensor) -> bool:
    """Returns whether an exporter follows inputs [B, T, I] whose length T may be any: Python's loop would fix it."""
    return torch.compiler.is_exporting() and not isinstance(x.shape[1], int)


def scanned(step: Step, from_inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Returns the outputs of all steps, [B, T, H], and the state after them.

    Args:
        step: One step.
        from_inputs: What each step is given, [B, T, G].
        state: The state before the first step.
    """

    def body(before: State, given: Tensor) -> tuple[State, Tensor]:
        after = step(given, *before)
        return after, after[0].clone()  # what a loop carries and what it gives may not be one tensor

    after, outputs = scan(body, state, from_inputs.transpose(0, 1))
    return outputs.transpose(0, 1), after


def scanned_layer(layer: nn.RNNBase, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Returns what one of torch's layers does, as a loop over its steps.

    Args:
        layer: An RNN with tanh, a GRU or an LSTM, with one layer and one direction.
        x: Inputs [B, T, I].
        state: The state before them; zero if not given.
    """
    step = {nn.RNN: _rnn_step, nn.GRU: _gru_step, nn.LSTM: _lstm_step}[type(layer)]
    parts = 2 if isinstance(layer, nn.LSTM) else 1
    state = state or tuple(x.new_zeros(x.shape[0], layer.hidden_size) for _ in range(parts))
    from_inputs = F.linear(x, layer.weight_ih_l0, layer.bias_ih_l0)  # [B, T, gates * H]
    weight, bias = layer.weight_hh_l0, layer.bias_hh_l0  # the layer itself is nothing that a loop could hold

    def one(given: Tensor, h: Tensor, *cell: Tensor) -> State:
        return step(given, F.linear(h, weight, bias), h, *cell)

    return scanned(one, from_inputs, state)


def _rnn_step(from_input: Tensor, from_before: Tensor, h: Tensor) -> State:
    return ((from_input + from_before).tanh(),)


def _gru_step(from_input: Tensor, from_before: Tensor, h: Tensor) -> State:
    (r, z, n), (before_r, before_z, before_n) = from_input.chunk(3, 1), from_before.chunk(3, 1)
    reset, update = (r + before_r).sigmoid(), (z + before_z).sigmoid()
    candidate = (n + reset * before_n).tanh()
    return (candidate + update * (h - candidate),)


def _lstm_step(from_input: Tensor, from_before: Tensor, h: Tensor, c: Tensor) -> State:
    i, f, g, o = (from_input + from_before).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c
