"""Stacks of recurrent layers, for texts that continue from batch to batch and for whole sequences in both directions.

Initialisers: Xavier Glorot and Yoshua Bengio, 2010; Andrew Saxe, James McClelland and Surya Ganguli, 2013,
arXiv:1312.6120.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.recurrent_cells import CELLS, Cell

Initializer = Literal["default", "glorot", "orthogonal", "third"]
State = list[tuple[Tensor, ...]]  # of each layer: the output h [B, H], and of LSTMs the cell c [B, H]


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
