"""Stacks of torch's recurrent layers with the state at the end of each of several sequences, which are padded."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from core.ranges import check_range
from lightning_modules.layers.recurrent_cells import needs_own_precision

Kind = Literal["rnn", "gru", "lstm"]
KINDS: dict[Kind, type[nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
State = tuple[Tensor, ...]  # the outputs [B, L, H] of all layers, and for LSTMs also their cells


class SequenceLayers(nn.Module):
    """Recurrent layers with dropout between them.

    Args:
        kind: Kind of layer.
        input_size: Width I of the inputs.
        hidden: Units H of each layer, in each direction.
        layers: Number of layers.
        dropout: Dropout probability of each layer's outputs but the last one's.

    Raises:
        InputError: A size is below 1, or the dropout is out of range.
    """

    def __init__(
        self,
        kind: Kind,
        input_size: int,
        hidden: int,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_range("model.hidden", hidden, 1)
        check_range("model.layers", layers, 1)
        check_range("model.dropout", dropout, 0, 1, below=True)
        between = dropout if layers > 1 else 0.0
        self.layers = KINDS[kind](input_size, hidden, layers, batch_first=True, dropout=between)

    def forward(self, x: Tensor, state: State | None = None, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Returns outputs and the state at the end of each sequence.

        Args:
            x: Inputs [B, T, I].
            state: The state before them; zero if not given.
            lengths: Number of inputs of each sequence, int64 [B]; all have T if not given.

        Returns:
            Outputs [B, T, H], 0 behind the ends, and the state.
        """
        if needs_own_precision(self.layers, x):
            with torch.autocast("cpu", enabled=False):
                state = None if state is None else tuple(part.float() for part in state)
                return self._run(x.float(), state, lengths)
        return self._run(x, state, lengths)

    def _run(self, x: Tensor, state: State | None, lengths: Tensor | None) -> tuple[Tensor, State]:
        is_lstm = isinstance(self.layers, nn.LSTM)
        before = None if state is None else tuple(part.transpose(0, 1).contiguous() for part in state)
        if before is not None and not is_lstm:
            (before,) = before
        if lengths is None:
            outputs, after = self.layers(x, before)
        else:
            packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
            packed, after = self.layers(packed, before)
            outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return outputs, tuple(part.transpose(0, 1) for part in (after if is_lstm else (after,)))


@torch.no_grad()
def start_uniformly(module: nn.Module, bound: float) -> None:
    """Sets the weights of all recurrent layers in a module uniformly between minus and plus a bound, biases to 0.

    Biases of the forget gates of LSTMs become 1, as in TensorFlow.
    """
    for layers in module.modules():
        if isinstance(layers, nn.RNNBase):
            for name, parameter in layers.named_parameters():
                nn.init.zeros_(parameter) if "bias" in name else nn.init.uniform_(parameter, -bound, bound)
                if isinstance(layers, nn.LSTM) and "bias_ih" in name:
                    parameter[layers.hidden_size : 2 * layers.hidden_size] = 1
