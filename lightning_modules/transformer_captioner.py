"""Captions by a small Transformer decoder that attends to places of the picture and to the whole.

Ashish Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, with norms in front of each part.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.transformer_layers import (
    Decoder,
    EncoderLayer,
    KeysValues,
    Memory,
    check_sizes,
    positions,
)
from lightning_modules.picture_captioner import PictureCaptioner


class TransformerCaptioner(PictureCaptioner):
    """Writes captions by attention to places of the picture and to the words before; embedding and softmax are one.

    Args:
        vocab_size: Number of symbols V of captions; set from the data.
        image_size: Height and width of the pictures; set from the data.
        layers: Number of layers of the decoder.
        encoder_layers: Number of layers by which places attend to each other before.
        width: Width D of all layers and of the embeddings.
        heads: Number of heads of each attention.
        hidden: Width between the two dense layers of a layer.
        dropout: Dropout probability in training, of embeddings, of what each part adds, and between dense layers.
        feature_dropout: Dropout probability of the features of pictures.
        training: What `PictureCaptioner` takes, such as `network`, `beam` and `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    sees_places: ClassVar[bool] = True

    def __init__(
        self,
        vocab_size: int,
        image_size: int,
        layers: int = 2,
        encoder_layers: int = 0,
        width: int = 256,
        heads: int = 4,
        hidden: int = 512,
        dropout: float = 0.1,
        feature_dropout: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(image_size=image_size, **training)
        check_sizes(layers, width, heads, hidden, dropout)
        if encoder_layers < 0:
            raise InputError(f"model.encoder_layers is {encoder_layers}: at least 0 is needed")
        if not 0 <= feature_dropout < 1:
            raise InputError(f"model.feature_dropout is {feature_dropout}: at least 0 and less than 1 is needed")
        self.place_norm = nn.LayerNorm(self.channels, elementwise_affine=False)
        self.whole_norm = nn.LayerNorm(self.whole_width, elementwise_affine=False)
        self.place = nn.Linear(self.channels, width)
        self.whole = nn.Linear(self.whole_width, width)
        self.encoder_layers = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(encoder_layers))
        self.memory_norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)  # logits start with a size of about 1
        self.decoder = Decoder(layers, width, heads, hidden, dropout)
        self.decoder_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab_size)
        nn.init.zeros_(self.head.bias)
        self.head.weight = self.embedding.weight
        self.dropout = nn.Dropout(dropout)
        self.feature_dropout = nn.Dropout(feature_dropout)

    def encode(self, images: Tensor) -> Memory:
        """Returns the memory of pictures [B, 3, H, W], or of their features."""
        places, whole = self.seen(images)
        x = self.place(self.feature_dropout(self.place_norm(places)))
        x = x + positions(x.shape[1], x.shape[2], device=x.device)
        x = torch.cat([x, self.whole(self.feature_dropout(self.whole_norm(whole)))[:, None]], 1)
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for layer in self.encoder_layers:
            x = layer(x, mask)
        return self.decoder.memory(self.memory_norm(x), mask)

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, D], at each place of inputs [B, T]."""
        return self.decoder_norm(self.decoder(self._embedded(inputs), memory))

    def start(self, memory: Memory, beam: int) -> tuple[KeysValues, ...]:
        """Returns the state before any symbol."""
        return self.decoder.start(memory, beam)

    def step(
        self, symbols: Tensor, state: tuple[KeysValues, ...], memory: Memory
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Returns logits [B, K, V] and the state after symbols [B, K]."""
        x = self._embedded(symbols, state[0][0].shape[3], is_row=True)
        x, state = self.decoder.step(x, state, memory)
        return self.logits(self.decoder_norm(x)), state

    def attention(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns the attention of the last layer to places and the whole, the mean over heads, [B, T, S + 1]."""
        return self.decoder.attention(self._embedded(inputs), memory)

    def _embedded(self, symbols: Tensor, first: int = 0, is_row: bool = False) -> Tensor:
        """Returns embeddings with positions from the first on; of symbols that all have one place, in a row."""
        width = self.embedding.embedding_dim
        places = positions(1 if is_row else symbols.shape[1], width, first, symbols.device)
        return self.dropout(self.embedding(symbols) * width**0.5 + places)
