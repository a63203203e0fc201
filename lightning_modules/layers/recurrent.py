"""Recurrent layers of one form: torch's own, and two LSTMs written out.

Long short-term memory: Sepp Hochreiter and Jürgen Schmidhuber, 1997; its forget gate: Felix Gers, Jürgen Schmidhuber
and Fred Cummins, 2000; peepholes: Felix Gers, Nicol Schraudolph and Jürgen Schmidhuber, 2002. Gated recurrent unit:
Kyunghyun Cho et al., 2014, arXiv:1406.1078. Initializers: Xavier Glorot and Yoshua Bengio, 2010; Andrew Saxe, James
McClelland and Surya Ganguli, 2013, arXiv:1312.6120.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError

Cell = Literal["rnn", "gru", "lstm", "scratch", "peephole"]
Initializer = Literal["default", "glorot", "orthogonal", "third"]
State = list[tuple[Tensor, ...]]  # of each layer: the output h [B, H], and of LSTMs the cell c [B, H]


class TorchLayer(nn.Module):
    """One of torch's recurrent layers.

    Args:
        kind: torch's class.
        input_size: Width I of what is read.
        hidden: Units H.
    """

    def __init__(self, kind: type[nn.RNNBase], input_size: int, hidden: int) -> None:
        super().__init__()
        self.weights = kind(input_size, hidden, batch_first=True)
        self.gates = self.weights.weight_hh_l0.shape[0] // hidden

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns outputs [B, T, H] and the state after them, of inputs [B, T, I] and the state before them."""
        is_lstm = isinstance(self.weights, nn.LSTM)
        before = None if state is None else tuple(tensor[None] for tensor in state)  # torch counts layers, too
        outputs, after = self.weights(x, before if is_lstm or before is None else before[0])
        return outputs, tuple(tensor[0] for tensor in (after if is_lstm else (after,)))


class LSTMWeights(nn.Module):
    """Weights of an LSTM layer, by torch's names and in its order of gates: input, forget, candidate, output.

    Args:
        input_size: Width I of what is read.
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
    r"""An LSTM layer from matrix products, step by step; it equals torch's.

    With the input x_t and the output h_{t-1} of the step before, each of the four gates has weights of its own:

        i_t = sigmoid(W_i x_t + U_i h_{t-1} + b_i)    how much of the new goes into the cell
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)    how much of the old stays in it
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)       what is new
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)    how much of the cell is shown
        c_t = f_t * c_{t-1} + i_t * g_t               the cell: along it gradients flow back undiminished where f is 1
        h_t = o_t * tanh(c_t)                         the output

    Args:
        input_size: Width I of what is read.
        hidden: Units H.
    """

    gates = 4

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.weights = LSTMWeights(input_size, hidden)

    def forward(self, x: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns outputs [B, T, H] and the state after them, of inputs [B, T, I] and the state before them."""
        h, c = state or (x.new_zeros(len(x), self.hidden), x.new_zeros(len(x), self.hidden))
        c = c.float() if torch.is_autocast_enabled(x.device.type) else c  # a sum of many steps, kept exact
        biases = self.weights.bias_ih_l0 + self.weights.bias_hh_l0
        # what does not depend on the step before: all steps in one product
        from_inputs = F.linear(x, self.weights.weight_ih_l0, biases)  # [B, T, 4H]
        # A view, which autocast casts anew at each step: were it cast once, gradients of all steps would add up in
        # bfloat16, and be three times as far off.
        recurrent = self.weights.weight_hh_l0.T  # [H, 4H]
        outputs = []
        for from_input in from_inputs.unbind(1):
            h, c = self.step(torch.addmm(from_input, h, recurrent), c)
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)

    def step(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns output and cell of a step, [B, H] each.

        Args:
            sums: What the gates have been sent, [B, 4H].
            c: The cell before, [B, H].
        """
        i, f, g, o = sums.chunk(4, dim=1)
        admit = i.sigmoid()
        keep = f.sigmoid()
        candidate = g.tanh()
        show = o.sigmoid()
        c = keep * c + admit * candidate
        return show * c.tanh(), c


class PeepholeLSTM(ScratchLSTM):
    """An LSTM layer whose gates see the cell: those of input and forgetting the old one, that of output the new one.

    Each unit's gates see its own cell alone, by weights p:

        i_t = sigmoid(... + p_i * c_{t-1})
        f_t = sigmoid(... + p_f * c_{t-1})
        o_t = sigmoid(... + p_o * c_t)

    Args:
        input_size: Width I of what is read.
        hidden: Units H.
    """

    def __init__(self, input_size: int, hidden: int) -> None:
        super().__init__(input_size, hidden)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden))  # input, forget, output

    def step(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Returns output and cell of a step, as an LSTM does."""
        i, f, g, o = sums.chunk(4, dim=1)
        to_input, to_forget, to_output = self.peepholes
        admit = (i + to_input * c).sigmoid()
        keep = (f + to_forget * c).sigmoid()
        candidate = g.tanh()
        c = keep * c + admit * candidate
        show = (o + to_output * c).sigmoid()
        return show * c.tanh(), c


# Makes a layer from the width of what it reads and its units.
CELLS: dict[Cell, Callable[[int, int], nn.Module]] = {
    "rnn": partial(TorchLayer, nn.RNN),
    "gru": partial(TorchLayer, nn.GRU),
    "lstm": partial(TorchLayer, nn.LSTM),
    "scratch": ScratchLSTM,
    "peephole": PeepholeLSTM,
}


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Args:
        cell: Kind of layer; `scratch` is an LSTM written out gate by gate, `peephole` its gates see the cell.
        input_size: Width I of what is read.
        hidden: Units H of each layer, in each direction.
        layers: Number of layers.
        dropout: Share of each layer's outputs, the last one's too, that is dropped in training: TensorFlow's output
            dropout, with which the published figures were reached, where torch's `dropout` spares the last layer.
        bidirectional: Whether sequences are also read backwards; outputs are then 2H wide. For `encode` alone.
        initializer: How weights start: within 1 / sqrt(H) with biases (`default`, torch's way), or without biases:
            `glorot` uniformly within sqrt(6 / (I + H + all gates' H)), as TensorFlow does, `third` within
            1 / (3 sqrt(I + H)) with the I of the first layer in all of them, `orthogonal` with recurrent matrices
            that are so gate by gate and Glorot's inputs.
        forget_bias: Added to the forget gates' biases at the start, in LSTMs; TensorFlow 1 adds 1.

    Raises:
        InputError: A size is below 1, or a share out of range.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden: int,
        layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        initializer: Initializer = "default",
        forget_bias: float = 0.0,
    ) -> None:
        super().__init__()
        for name, value in (("layers", layers), ("hidden", hidden)):
            if value < 1:
                raise InputError(f"model.{name} is {value}: at least 1 is needed")
        if input_size < 1:
            raise InputError(f"recurrent layers: inputs are {input_size} wide: at least 1 is needed")
        if not 0 <= dropout < 1:
            raise InputError(f"model.dropout is {dropout:g}: at least 0 and less than 1 is needed")
        directions = 2 if bidirectional else 1
        sizes = [input_size, *[directions * hidden] * (layers - 1)]
        self.layers = nn.ModuleList(CELLS[cell](size, hidden) for size in sizes)
        self.backward_layers = nn.ModuleList(CELLS[cell](size, hidden) for size in sizes if bidirectional)
        self.dropout = nn.Dropout(dropout)
        for layer in (*self.layers, *self.backward_layers):
            _initialize(layer, initializer, input_size, forget_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads on.

        Args:
            x: [B, T, I].
            state: The state before; empty if not given.

        Returns:
            Outputs of the last layer, [B, T, H], and the state after.

        Raises:
            InputError: The stack is bidirectional; what comes after a sequence cannot be read on from.
        """
        if self.backward_layers:
            raise InputError("recurrent layers: both directions read whole sequences alone: use encode")
        after: State = []
        for place, layer in enumerate(self.layers):
            x, layer_state = layer(x, None if state is None else state[place])
            after.append(layer_state)
            x = self.dropout(x)
        return x, after

    def encode(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Reads whole sequences, whose padding behind their ends changes nothing.

        Args:
            x: [B, M, I], finite also behind the ends.
            lengths: int64 [B], at least 1.

        Returns:
            Outputs of the last layer [B, M, D], whatever behind the ends, and what each direction has come to at its
            end, [B, D].
        """
        rows, ends = torch.arange(len(x), device=x.device), lengths - 1
        if not self.backward_layers:
            x, _ = self(x)
            return x, x[rows, ends]
        # Backwards within each sequence, and not from the padding: torch's own way of saying that, packing, is slow.
        places = torch.arange(x.shape[1], device=x.device)
        turned = torch.where(places < lengths[:, None], ends[:, None] - places, places)  # [B, M]
        for forth, back in zip(self.layers, self.backward_layers, strict=True):
            forwards, _ = forth(x, None)
            backwards, _ = back(x[rows[:, None], turned], None)
            forwards, backwards = self.dropout(forwards), self.dropout(backwards)
            x = torch.cat([forwards, backwards[rows[:, None], turned]], 2)
        # turned, the backward direction ends where the sequence begins
        return x, torch.cat([forwards[rows, ends], backwards[rows, ends]], 1)


@torch.no_grad()
def _initialize(layer: nn.Module, kind: Initializer, first_inputs: int, forget_bias: float) -> None:
    weights, gates = layer.weights, layer.gates
    from_inputs, from_before = weights.weight_ih_l0, weights.weight_hh_l0
    rows, inputs = from_inputs.shape
    hidden = rows // gates
    if kind != "default":
        bound = (6 / (inputs + hidden + rows)) ** 0.5
        if kind == "third":
            bound = 1 / (3 * (first_inputs + hidden) ** 0.5)
        for matrix in (from_inputs, from_before):
            nn.init.uniform_(matrix, -bound, bound)
        for bias in (weights.bias_ih_l0, weights.bias_hh_l0):
            nn.init.zeros_(bias)
    if kind == "orthogonal":
        for gate in from_before.split(hidden):
            nn.init.orthogonal_(gate)
    if gates == 4:
        weights.bias_ih_l0[hidden : 2 * hidden] += forget_bias
