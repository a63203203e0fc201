"""Transformer: encoder and decoder of attention alone.

Ashish Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, with norms in front of each part (Xiong et
al., 2020, arXiv:2002.04745).
"""

from typing import Any

from torch import Tensor, nn

from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.shared_embedding import Tie, embeddings_and_head
from lightning_modules.layers.transformer_layers import (
    Decoder,
    EncoderLayer,
    KeysValues,
    Memory,
    check_sizes,
    positions,
)
from lightning_modules.tasks.sequence_to_sequence import SequenceToSequence


class Transformer(SequenceToSequence):
    """Reads a sentence and writes its translation by attention.

    Args:
        vocab_size: Number of symbols V of translations.
        source_vocab_size: Number of symbols of sentences.
        layers: Number of layers of the encoder, and of the decoder.
        width: Width D of all layers and of the embeddings.
        heads: Number of heads of each attention.
        hidden: Width between the two dense layers of a layer.
        dropout: Dropout probability in training, of embeddings, of what each part adds, and between dense layers.
        tie: Which embeddings share their weights: `none`, `target` with the softmax, or `all`, which needs a joint
            vocabulary.
        training: What `SequenceToSequence` takes, such as `beam` and `optimizer`.

    Raises:
        InputError: A size is out of range, or weights cannot be tied.
    """

    def __init__(
        self,
        vocab_size: int,
        source_vocab_size: int,
        layers: int = 3,
        width: int = 256,
        heads: int = 4,
        hidden: int = 512,
        dropout: float = 0.1,
        tie: Tie = "target",
        **training: Any,
    ) -> None:
        super().__init__(**training)
        check_sizes(layers, width, heads, hidden, dropout)
        sizes = (source_vocab_size, vocab_size)
        self.source_embedding, self.embedding, self.head = embeddings_and_head(sizes, width, width, tie)
        self.scale = 1.0 if tie == "none" else width**0.5  # tied weights start small, for the softmax
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.decoder = Decoder(layers, width, heads, hidden, dropout)
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the encoder with its embedding, then the decoder with its own, and the head."""
        before = [self.source_embedding, *self.encoder, self.encoder_norm, self.embedding]
        return [*before, *self.decoder, self.decoder_norm, self.head]

    def encode(self, sources: Tensor, lengths: Tensor) -> Memory:
        """Returns the memory of sentences [B, S] of lengths [B]."""
        mask = padding_mask(lengths, sources.shape[1])
        x = self._embedded(self.source_embedding, sources)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.decoder.memory(self.encoder_norm(x), mask)

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, D], at each place of inputs [B, T]."""
        return self.decoder_norm(self.decoder(self._embedded(self.embedding, inputs), memory))

    def start(self, memory: Memory, beam: int) -> tuple[KeysValues, ...]:
        """Returns the state before any symbol."""
        return self.decoder.start(memory, beam)

    def step(
        self, symbols: Tensor, state: tuple[KeysValues, ...], memory: Memory
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Returns logits [B, K, V] and the state after symbols [B, K]."""
        place, width = state[0][0].shape[3], self.embedding.embedding_dim
        x = self.embedding(symbols) * self.scale + positions(1, width, place, symbols.device)
        x, state = self.decoder.step(x, state, memory)
        return self.logits(self.decoder_norm(x)), state

    def attention(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns the attention of the last layer to the sentence, the mean over heads, [B, T, S]."""
        return self.decoder.attention(self._embedded(self.embedding, inputs), memory)

    def _embedded(self, embedding: nn.Embedding, symbols: Tensor) -> Tensor:
        places = positions(symbols.shape[1], embedding.embedding_dim, device=symbols.device)
        return self.dropout(embedding(symbols) * self.scale + places)
