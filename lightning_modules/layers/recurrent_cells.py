"""Recurrent layers with one interface: torch's, and two LSTMs implemented gate by gate.

Long short-term memory: Sepp Hochreiter and Jürgen Schmidhuber, 1997; its forget gate: Felix Gers, Jürgen Schmidhuber
and Fred Cummins, 2000; peepholes: Felix Gers, Nicol Schraudolph and Jürgen Schmidhuber, 2002. Gated recurrent unit:
Kyunghyun Cho et al., 2014, arXiv:1406.1078.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lightning_modules.layers.scanned import is_exported_at_any_length, scanned, scanned_layer

Cell = Literal["rnn", "gru", "lstm", "scratch", "peephole"]


class TorchLayer(nn.Module):
    """One of torch's recurrent layers.

    Args:
        kind: torch's class.
        input_size: Width I of the inputs.
        hidden: Units H.
    """

    def __init__(self, kind: type[nn.RNNBase], input_size: int, hidden: int) -> None:
        super().__init__()
        self.weights = kind(input_size, hidden, batch_first=True)
        self.gates = self.weights.weight_hh_l0.shape[0] // hidden

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns outputs [B, T, H] and the state after them, of inputs [B, T, I] and the state before them."""
        if is_exported_at_any_length(x):
            return scanned_layer(self.weights, x, state)
        is_lstm = isinstance(self.weights, nn.LSTM)
        before = None if state is None else tuple(tensor[None] for tensor in state)  # torch has a dimension of layers
        if needs_own_precision(self.weights, x):
            dtype = self.weights.weight_ih_l0.dtype
            with torch.autocast("cpu", enabled=False):
                before = None if before is None else tuple(tensor.to(dtype) for tensor in before)
                outputs, after = self.weights(x.to(dtype), before)
        else:
            outputs, after = self.weights(x, before if is_lstm or before is None else before[0])
        return outputs, tuple(tensor[0] for tensor in (after if is_lstm else (after,)))


def needs_own_precision(layers: nn.RNNBase, x: Tensor) -> bool:
    """Returns whether autocast has to be left for layers, because inputs are on a CPU without such LSTMs."""
    autocast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    return autocast and isinstance(layers, nn.LSTM) and not computes_lstms(torch.get_autocast_dtype("cpu"))


@cache
def computes_lstms(dtype: torch.dtype) -> bool:
    """Returns whether torch's LSTM runs on this CPU under autocast to a data type.

    Autocast always passes LSTMs to oneDNN in the lower precision. Without AVX-512 (or another instruction set that
    oneDNN knows for the type) that raises an error instead of computing in float32.
    """
    with torch.random.fork_rng(devices=[]):  # the run's random numbers stay the same
        lstm = nn.LSTM(1, 1)
    try:
        with torch.no_grad(), torch.autocast("cpu", dtype):
            lstm(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


class LSTMWeights(nn.Module):
    """Weights of an LSTM layer, with torch's names and order of gates: input, forget, candidate, output.

    Args:
        input_size: Width I of the inputs.
        hidden: Units H.
    """

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        bound = hidden**-0.5
        for name, shape in (
            ("weight_ih_l0", (4 * hidden, input_size)),
            ("weight_hh_l0", (4 * hidden, hidden)),
            ("bias_ih_l0", (4 * hidden,)),
            ("bias_hh_l0", (4 * hidden,)),
        ):
            setattr(self, name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))


class ScratchLSTM(nn.Module):
    r"""An LSTM layer implemented with matrix products, step by step; it equals torch's.

    With the input x_t and the output h_{t-1} of the step before, each of the four gates has its own weights:

        i_t = sigmoid(W_i x_t + U_i h_{t-1} + b_i)    input gate: how much of g_t is added to the cell
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)    forget gate: how much of the old cell is kept
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)       candidate: new content of the cell
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)    output gate: how much of the cell is output
        c_t = f_t * c_{t-1} + i_t * g_t               cell: gradients do not vanish along it where f is 1
        h_t = o_t * tanh(c_t)                         output

    Args:
        input_size: Width I of the inputs.
        hidden: Units H.
    """

    gates = 4

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.weights = LSTMWeights(input_size, hidden)

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns outputs [B, T, H] and the state after them, of inputs [B, T, I] and the state before them."""
        h, c = state or (x.new_zeros(x.shape[0], self.hidden), x.new_zeros(x.shape[0], self.hidden))
        c = c.float() if torch.is_autocast_enabled(x.device.type) else c  # a sum over many steps, which needs float32
        biases = self.weights.bias_ih_l0 + self.weights.bias_hh_l0
        # does not depend on the step before, so all steps are computed in one product
        from_inputs = F.linear(x, self.weights.weight_ih_l0, biases)  # [B, T, 4H]
        # A view, because autocast casts a view again at each step. Cast only once, the gradients of all steps would be
        # summed in bfloat16, with errors three times as large.
        recurrent = self.weights.weight_hh_l0.T  # [H, 4H]
        if is_exported_at_any_length(x):
            step = self.step_of_a_loop()
            return scanned(lambda given, h, c: step(torch.addmm(given, h, recurrent), c), from_inputs, (h, c))
        outputs = []
        for from_input in from_inputs.unbind(1):
            h, c = self.step(torch.addmm(from_input, h, recurrent), c)
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)

    def step(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns output and cell after a step, [B, H] each.

        Args:
            sums: Inputs of the gates before their activation functions, [B, 4H].
            c: The cell before the step, [B, H].
        """
        i, f, g, o = sums.chunk(4, dim=1)
        input_gate = i.sigmoid()
        forget_gate = f.sigmoid()
        candidate = g.tanh()
        output_gate = o.sigmoid()
        c = forget_gate * c + input_gate * candidate
        return output_gate * c.tanh(), c

    def step_of_a_loop(self) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Returns the step in a form that an exporter can put into a loop."""
        return self.step


class PeepholeLSTM(ScratchLSTM):
    """An LSTM layer with peepholes: the cell is also an input of its gates.

    Each unit's gates depend on its own cell only, with weights p:

        i_t = sigmoid(... + p_i * c_{t-1})
        f_t = sigmoid(... + p_f * c_{t-1})
        o_t = sigmoid(... + p_o * c_t)

    Args:
        input_size: Width I of the inputs.
        hidden: Units H.
    """

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__(input_size, hidden)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden))  # input, forget, output

    def step(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns output and cell after a step; arguments as in `ScratchLSTM`."""
        return self._step(sums, c, *self.peepholes)

    def step_of_a_loop(self) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Returns the step with weights that are no views of one tensor, which a loop may not be given."""
        apart = [weights.clone() for weights in self.peepholes]
        return lambda sums, c: self._step(sums, c, *apart)

    def _step(
        self, sums: Tensor, c: Tensor, to_input: Tensor, to_forget: Tensor, to_output: Tensor
    ) -> tuple[Tensor, Tensor]:
        i, f, g, o = sums.chunk(4, dim=1)
        input_gate = (i + to_input * c).sigmoid()
        forget_gate = (f + to_forget * c).sigmoid()
        candidate = g.tanh()
        c = forget_gate * c + input_gate * candidate
        output_gate = (o + to_output * c).sigmoid()
        return output_gate * c.tanh(), c


# Makes a layer from the width of its inputs and its number of units.
CELLS: dict[Cell, Callable[[int, int], nn.Module]] = {
    "rnn": partial(TorchLayer, nn.RNN),
    "gru": partial(TorchLayer, nn.GRU),
    "lstm": partial(TorchLayer, nn.LSTM),
    "scratch": ScratchLSTM,
    "peephole": PeepholeLSTM,
}
