"""Recurrent encoder and decoder, with or without attention.

Ilya Sutskever, Oriol Vinyals and Quoc Le, "Sequence to Sequence Learning with Neural Networks", 2014, arXiv:1409.3215;
Kyunghyun Cho et al., 2014, arXiv:1406.1078. Attention between the layers of the decoder, so that all places of a known
translation are computed at once: Yonghui Wu et al., 2016, arXiv:1609.08144. Tied embeddings: Ofir Press and Lior Wolf,
2016, arXiv:1608.05859.
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.attention import Attention, Scores
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.recurrent import Recurrent
from lightning_modules.layers.sequences import Kind, SequenceLayers, State, start_uniformly
from lightning_modules.layers.shared_embedding import Tie, embeddings_and_head
from lightning_modules.tasks.sequence_to_sequence import SequenceToSequence
from lightning_modules.tasks.task import without


class Memory(NamedTuple):
    """What the decoder knows of sentences.

    Attributes:
        values: Outputs of the encoder, [B, S, D].
        keys: What queries are compared with, [B, S, A].
        mask: Where there are symbols, bool [B, S].
        state: The decoder's state before the first symbol.
    """

    values: Tensor
    keys: Tensor
    mask: Tensor
    state: State


class Seq2Seq(SequenceToSequence):
    """Reads a sentence with recurrent layers, and writes its translation with others.

    With attention the lower layer of the decoder asks, the attention to the encoder's outputs answers, and the upper
    layers, if there are any, read both, as does a layer before the softmax; the decoder begins with a dense layer's
    view of the sentence's ends. Without attention, and in one direction, it begins with the encoder's state.

    Args:
        vocab_size: Number of symbols V of translations.
        source_vocab_size: Number of symbols of sentences.
        cell: Kind of recurrent layer.
        layers: Number of layers of the decoder.
        encoder_layers: Number of layers of the encoder; `layers` if not given, as is needed to pass its state on.
        hidden: Units H of each layer, in each direction.
        embedding: Width E of the embeddings.
        attention: Scores of the attention: `luong` (multiplicative) or `bahdanau` (additive); `none` without.
        bidirectional: Whether the encoder also reads backwards.
        dropout: Dropout probability in training, of embeddings, each layer's outputs, and what the softmax reads.
        embedding_dropout: Dropout probability of the embeddings; `dropout` if not given.
        tie: Which embeddings share their weights: `none`, `target` with the softmax, or `all`, which needs a joint
            vocabulary.
        uniform: Recurrent weights are initialised uniformly between minus and plus this; as torch does if 0.
        head_std: Standard deviation of the softmax's initial weights, a normal distribution truncated at two of them;
            torch's initialisation if 0. Not for tied weights.
        training: What `SequenceToSequence` takes, such as `beam` and `optimizer`.

    Raises:
        InputError: A size is out of range, or weights cannot be tied.
    """

    def __init__(
        self,
        vocab_size: int,
        source_vocab_size: int,
        cell: Kind = "gru",
        layers: int = 2,
        encoder_layers: int | None = None,
        hidden: int = 256,
        embedding: int = 256,
        attention: Literal["none", "bahdanau", "luong"] = "luong",
        bidirectional: bool = True,
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        tie: Tie = "none",
        uniform: float = 0.0,
        head_std: float = 0.0,
        **training: Any,
    ) -> None:
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if embedding < 1:
            raise InputError(f"model.embedding is {embedding}: at least 1 is needed")
        ends, depth = (2 if bidirectional else 1) * hidden, layers if encoder_layers is None else encoder_layers
        self.bridge: nn.Linear | None = None
        if bidirectional or attention != "none" or depth != layers:
            self.encoder = Recurrent(cell, embedding, hidden, depth, dropout, bidirectional)
            self.bridge = nn.Linear(ends, layers * hidden)
        else:
            self.encoder = SequenceLayers(cell, embedding, hidden, layers, dropout)
        self.lower = SequenceLayers(cell, embedding, hidden, layers if attention == "none" else 1, dropout)
        self.asks: Attention | None = None
        self.upper: SequenceLayers | None = None
        read = hidden
        if attention != "none":
            scores: Scores = attention
            self.asks = Attention(scores, hidden, ends, hidden)
            read = hidden + ends
            if layers > 1:
                self.upper = SequenceLayers(cell, read, hidden, layers - 1, dropout)
        if uniform:
            start_uniformly(self, uniform)
        is_dense = attention != "none" or tie != "none"
        self.readout = nn.Sequential(nn.Linear(read, embedding), nn.Tanh()) if is_dense else None
        sizes = (source_vocab_size, vocab_size)
        self.source_embedding, self.embedding, self.head = embeddings_and_head(
            sizes, embedding, embedding if is_dense else hidden, tie
        )
        if head_std and tie == "none":
            nn.init.trunc_normal_(self.head.weight, std=head_std, a=-2 * head_std, b=2 * head_std)
            nn.init.zeros_(self.head.bias)
        self.dropout = nn.Dropout(dropout)
        self.embedding_dropout = nn.Dropout(dropout if embedding_dropout is None else embedding_dropout)
        self.is_lstm = cell == "lstm"
        self.scale = 1.0 if tie == "none" else embedding**0.5  # tied weights start small, for the softmax

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the encoder with its embedding, then the decoder with its own, and the head."""
        parts = [self.source_embedding, self.encoder, self.bridge, self.embedding, self.lower, self.asks, self.upper]
        return [part for part in [*parts, self.readout, self.head] if part is not None]

    def encode(self, sources: Tensor, lengths: Tensor) -> Memory:
        """Returns the memory of sentences [B, S] of lengths [B]."""
        x = self._embedded(self.source_embedding, sources)
        if self.bridge is None:
            values, state = self.encoder(x, None, lengths)
        else:
            values, ends = self.encoder.encode(x, lengths)  # the last outputs in each direction: [B, D]
            first = torch.tanh(self.bridge(ends)).unflatten(1, (-1, self.lower.layers.hidden_size))
            state = (first, torch.zeros_like(first)) if self.is_lstm else (first,)
        keys = values if self.asks is None else self.asks.keys(values)
        return Memory(values, keys, padding_mask(lengths, sources.shape[1]), state)

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, E or H], at each place of inputs [B, T]."""
        return self._decode(memory, inputs, memory.state)[0]

    def start(self, memory: Memory, beam: int) -> State:
        """Returns the state before the first symbol, [B, K, L, H]."""
        return tuple(part[:, None].expand(-1, beam, -1, -1) for part in memory.state)

    def step(self, symbols: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Returns logits [B, K, V] and the state after symbols [B, K]."""
        outputs, state = self._decode(memory, symbols, state)
        return self.logits(outputs), state

    def attention(self, memory: Memory, inputs: Tensor) -> Tensor | None:
        """Returns the weights of the attention, [B, T, S]; None without attention."""
        if self.asks is None:
            return None
        queries, _ = self.lower(self._embedded(self.embedding, inputs), tuple(part[:, :1] for part in memory.state))
        return self.asks(queries, memory.keys, memory.values, memory.mask)[1]

    def _decode(self, memory: Memory, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Returns what logits are computed from, and the state after inputs [B, T].

        Inputs are T symbols after each other where the state is that of one translation [B, L, H], and the latest
        symbols of K translations where it is that of each [B, K, L, H].
        """
        apart = state[0].ndim == 4
        queries, lower = self._run(self.lower, self._embedded(self.embedding, inputs), state, 0, apart)
        top, after = queries, lower
        if self.asks is not None:
            answers, _ = self.asks(queries, memory.keys, memory.values, memory.mask)
            if self.upper is not None:
                read = torch.cat([self.dropout(queries), answers], 2)
                top, upper = self._run(self.upper, read, state, 1, apart)
                after = tuple(torch.cat(parts, -2) for parts in zip(lower, upper, strict=True))
            top = torch.cat([top, answers], 2)
        top = self.dropout(top)
        return (top if self.readout is None else self.dropout(self.readout(top))), after

    def _embedded(self, embedding: nn.Embedding, symbols: Tensor) -> Tensor:
        return self.embedding_dropout(embedding(symbols) * self.scale)

    def _run(self, layers: SequenceLayers, x: Tensor, state: State, first: int, apart: bool) -> tuple[Tensor, State]:
        """Runs layers, of which the first is `first` of the decoder's, on a sequence, or `apart` on last symbols."""
        count = layers.layers.num_layers
        mine = tuple(part.narrow(-2, first, count) for part in state)
        if not apart:
            return layers(x, mine)
        outputs, after = layers(x.flatten(0, 1)[:, None], tuple(part.flatten(0, 1) for part in mine))
        shape = x.shape[:2]
        return outputs[:, 0].unflatten(0, shape), tuple(part.unflatten(0, shape) for part in after)
