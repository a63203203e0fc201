"""Stacks of recurrent layers, for texts that continue across batches and for whole sequences in both directions.

Initialisers: Xavier Glorot and Yoshua Bengio, 2010; Andrew Saxe, James McClelland and Surya Ganguli, 2013,
arXiv:1312.6120.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.recurrent_cells import CELLS, Cell

Initializer = Literal["default", "glorot", "orthogonal", "third"]
State = list[tuple[Tensor, ...]]  # for each layer: the output h [B, H], and for LSTMs also the cell c [B, H]


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Args:
        cell: Kind of layer; `scratch` is an LSTM implemented gate by gate, `peephole` adds connections from the cell
            to the gates.
        input_size: Width I of the inputs.
        hidden: Units H of each layer, in each direction.
        layers: Number of layers.
        dropout: Dropout probability of each layer's outputs in training. As in TensorFlow, with which the published
            results were computed, it includes the last layer, unlike the `dropout` of torch's layers.
        bidirectional: Whether sequences are also processed backwards; outputs are then 2H wide. Only for `encode`.
        initializer: `default` is torch's: weights and biases uniform within 1 / sqrt(H). With the others, biases are 0:
            `glorot` is uniform within sqrt(6 / (I + H + H of all gates)), as in TensorFlow's LSTMs (its GRUs draw
            gates and candidate apart, with gate biases of 1); `third` is uniform within 1 / (3 sqrt(I + H)), with the I
            of the first layer in all layers; `orthogonal` is `glorot` with an orthogonal recurrent matrix for each
            gate.
        forget_bias: Added to the initial biases of the forget gates of LSTMs; TensorFlow 1 adds 1.

    Raises:
        InputError: A size is below 1, or the dropout is out of range.
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
        check_range("model.layers", layers, 1)
        check_range("model.hidden", hidden, 1)
        if input_size < 1:
            raise InputError(f"recurrent layers: inputs are {input_size} wide: at least 1 is needed")
        check_range("model.dropout", dropout, most=1, below=True)
        directions = 2 if bidirectional else 1
        sizes = [input_size, *[directions * hidden] * (layers - 1)]
        self.layers = nn.ModuleList(CELLS[cell](size, hidden) for size in sizes)
        self.backward_layers = nn.ModuleList(CELLS[cell](size, hidden) for size in sizes if bidirectional)
        self.dropout = nn.Dropout(dropout)
        for layer in (*self.layers, *self.backward_layers):
            _initialize(layer, initializer, input_size, forget_bias)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Returns outputs and the state after them.

        Args:
            x: Inputs [B, T, I].
            state: The state before the first input; zero if not given.

        Returns:
            Outputs of the last layer, [B, T, H], and the state after the last input.

        Raises:
            InputError: The stack is bidirectional; a sequence that continues cannot be processed backwards.
        """
        if self.backward_layers:
            raise InputError("recurrent layers: bidirectional layers process only whole sequences: use encode")
        after: State = []
        for place, layer in enumerate(self.layers):
            x, layer_state = layer(x, None if state is None else state[place])
            after.append(layer_state)
            x = self.dropout(x)
        return x, after

    def encode(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Processes whole sequences; padding after their ends changes no result.

        Args:
            x: Inputs [B, M, I], finite also after the ends.
            lengths: int64 [B], at least 1.

        Returns:
            Outputs of the last layer [B, M, D], undefined after the ends, and the last output of each direction,
            [B, D].
        """
        rows, ends = torch.arange(x.shape[0], device=x.device), lengths - 1
        if not self.backward_layers:
            x, _ = self(x)
            return x, x[rows, ends]
        # Reversed within each sequence, without the padding; torch's packed sequences would be slower.
        places = torch.arange(x.shape[1], device=x.device)
        turned = torch.where(places < lengths[:, None], ends[:, None] - places, places)  # [B, M]
        for forth, back in zip(self.layers, self.backward_layers, strict=True):
            forwards, _ = forth(x, None)
            backwards, _ = back(_turned(x, rows, turned), None)
            forwards, backwards = self.dropout(forwards), self.dropout(backwards)
            x = torch.cat([forwards, _turned(backwards, rows, turned)], 2)
        # reversed, so the last output of the backward direction is at the end, too
        return x, torch.cat([forwards[rows, ends], backwards[rows, ends]], 1)


def _turned(x: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """Returns sequences [B, M, D] with those places [B, M] in order, which are their own inverse.

    Args:
        x: The sequences.
        rows: Their numbers, [B].
        places: The places.
    """
    # exporters, which ask for no gradient, need not know a function of ours
    return Turned.apply(x, rows[:, None], places) if x.requires_grad else x[rows[:, None], places]


class Turned(torch.autograd.Function):
    """Sequences whose places are turned round: their gradient is turned, too.

    Autograd does not know that no place occurs twice: it would add gradients up into zeros, one after the other.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Tensor, places: Tensor) -> Tensor:
        """Returns x [B, M, D] at rows [B, 1] and places [B, M]."""
        ctx.save_for_backward(rows, places)
        return x[rows, places]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Returns the gradient with respect to x."""
        return gradient[ctx.saved_tensors], None, None


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
