"""Captions by an LSTM that reads the picture first.

Oriol Vinyals et al., "Show and Tell: A Neural Image Caption Generator", 2015, arXiv:1411.4555.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from datamodules.text.special_symbols import BEGIN
from lightning_modules.layers.sequences import SequenceLayers, State, start_uniformly
from lightning_modules.picture_captioner import PictureCaptioner


class Memory(NamedTuple):
    """What the decoder knows of pictures.

    Attributes:
        picture: What it reads first, [B, E].
    """

    picture: Tensor


class Captioner(PictureCaptioner):
    """Reads a picture in place of a first word, and writes its caption with LSTM layers.

    Args:
        vocab_size: Number of symbols V of captions; set from the data.
        image_size: Height and width of the pictures; set from the data.
        layers: Number of LSTM layers.
        hidden: Units H of each.
        embedding: Width E of the embeddings of words and of the picture.
        readout: Width of a dense layer with ReLU before the softmax; none if 0.
        tie: Whether the softmax shares the weights of the embedding; needs a readout of its width.
        dropout: Dropout probability in training, of the outputs of each layer and of the readout.
        input_dropout: Dropout probability of the embeddings and of the picture's features.
        every_step: Whether the picture is read with every word, to which it is added, and not at first alone.
        norm: Whether the picture's features are normalised (layer norm).
        uniform: Recurrent weights are initialised uniformly between minus and plus this, and biases of forget gates at
            1; as torch does if 0.
        embedding_range: Embeddings are initialised uniformly between minus and plus this; as torch does if 0.
        dense_uniform: Whether dense layers are initialised uniformly within sqrt(3 / inputs), with biases of 0; as
            torch does if not.
        training: What `PictureCaptioner` takes, such as `network`, `beam` and `optimizer`.

    Raises:
        InputError: A setting is out of range, or weights cannot be shared.
    """

    sees_places = False

    def __init__(
        self,
        vocab_size: int,
        image_size: int,
        layers: int = 1,
        hidden: int = 256,
        embedding: int = 256,
        readout: int = 0,
        tie: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        every_step: bool = False,
        norm: bool = True,
        uniform: float = 0.0,
        embedding_range: float = 0.0,
        dense_uniform: bool = False,
        **training: Any,
    ) -> None:
        super().__init__(image_size=image_size, **training)
        check_range("model.embedding", embedding, 1)
        check_range("model.readout", readout)
        check_range("model.input_dropout", input_dropout, most=1, below=True)
        read = readout or hidden
        if tie and read != embedding:
            raise InputError(f"model.tie: the embedding is {embedding} wide, and the softmax reads {read}")
        self.norm = nn.LayerNorm(self.whole_width, elementwise_affine=False) if norm else nn.Identity()
        self.picture = nn.Linear(self.whole_width, embedding)
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.layers = SequenceLayers("lstm", embedding, hidden, layers, dropout)
        self.dense = nn.Linear(hidden, readout) if readout else None
        self.head = nn.Linear(read, vocab_size)
        self.every_step = every_step
        self.dropout = nn.Dropout(dropout)
        self.input_dropout = nn.Dropout(input_dropout)
        self.scale = embedding**0.5 if tie else 1.0  # tied weights start small, for the softmax
        if uniform:
            start_uniformly(self.layers, uniform)
        if embedding_range:
            nn.init.uniform_(self.embedding.weight, -embedding_range, embedding_range)
        for layer in (self.picture, self.dense, self.head) if dense_uniform else ():
            if layer is not None:
                bound = (3 / layer.in_features) ** 0.5
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.zeros_(layer.bias)
        if tie:
            nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
            nn.init.zeros_(self.head.bias)
            self.head.weight = self.embedding.weight

    def encode(self, images: Tensor) -> Memory:
        """Returns the memory of pictures [B, 3, H, W], or of their features."""
        _, whole = self.seen(images)
        return Memory(self.picture(self.input_dropout(self.norm(whole))))

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, R], at each place of inputs [B, T]."""
        outputs, _ = self.layers(self._embedded(memory, inputs))
        return self._read(outputs)

    def start(self, memory: Memory, beam: int) -> State:
        """Returns the state before the picture, [B, K, L, H]."""
        lstm = self.layers.layers
        zeros = memory.picture.new_zeros(len(memory.picture), beam, lstm.num_layers, lstm.hidden_size)
        return zeros, zeros

    def step(self, symbols: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Returns logits [B, K, V] and the state after symbols [B, K]."""
        x = self._embedded(memory, symbols)
        outputs, after = self.layers(x.flatten(0, 1)[:, None], tuple(part.flatten(0, 1) for part in state))
        logits = self.logits(self._read(outputs[:, 0])).unflatten(0, symbols.shape)
        return logits, tuple(part.unflatten(0, symbols.shape) for part in after)

    def _embedded(self, memory: Memory, symbols: Tensor) -> Tensor:
        """Returns the embeddings [B, T, E] of symbols [B, T], the picture's for the mark of the beginning."""
        words = self.input_dropout(self.embedding(symbols) * self.scale)
        picture = memory.picture[:, None].to(words.dtype)
        return torch.where((symbols == BEGIN)[:, :, None], picture, words + picture if self.every_step else words)

    def _read(self, outputs: Tensor) -> Tensor:
        outputs = self.dropout(outputs)
        return outputs if self.dense is None else self.dropout(self.dense(outputs)).relu()
