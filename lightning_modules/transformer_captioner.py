"""Captions by a small Transformer decoder that attends to places of the picture and to the whole.

Ashish Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, with norms in front of each part.
"""

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.transformer_layers import DecoderLayer, EncoderLayer, KeysValues, positions
from lightning_modules.picture_captioner import PictureCaptioner


class Memory(NamedTuple):
    """What the decoder knows of pictures.

    Attributes:
        layers: Keys and values of the places, and of the whole as the last, for each layer of the decoder.
        mask: True for all of them, bool [B, S + 1].
    """

    layers: tuple[KeysValues, ...]
    mask: Tensor


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
        for name, value, fits in (
            ("layers", layers, layers >= 1),
            ("encoder_layers", encoder_layers, encoder_layers >= 0),
            ("heads", heads, heads >= 1),
            ("width", width, width >= 2 and width % 2 == 0 and width % max(heads, 1) == 0),
            ("hidden", hidden, hidden >= 1),
            ("dropout", dropout, 0 <= dropout < 1),
            ("feature_dropout", feature_dropout, 0 <= feature_dropout < 1),
        ):
            if not fits:
                what = f"an even multiple of model.heads, {heads}, is needed" if name == "width" else "out of range"
                raise InputError(f"model.{name} is {value}: {what}")
        self.place_norm = nn.LayerNorm(self.channels, elementwise_affine=False)
        self.whole_norm = nn.LayerNorm(self.whole_width, elementwise_affine=False)
        self.place = nn.Linear(self.channels, width)
        self.whole = nn.Linear(self.whole_width, width)
        self.encoder_layers = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(encoder_layers))
        self.memory_norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)  # logits start with a size of about 1
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab_size)
        nn.init.zeros_(self.head.bias)
        self.head.weight = self.embedding.weight
        self.dropout = nn.Dropout(dropout)
        self.feature_dropout = nn.Dropout(feature_dropout)
        self.heads = heads

    def encode(self, images: Tensor) -> Memory:
        """Returns the memory of pictures [B, 3, H, W], or of their features."""
        places, whole = self.seen(images)
        x = self.place(self.feature_dropout(self.place_norm(places)))
        x = x + positions(x.shape[1], x.shape[2], device=x.device)
        x = torch.cat([x, self.whole(self.feature_dropout(self.whole_norm(whole)))[:, None]], 1)
        mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for layer in self.encoder_layers:
            x = layer(x, mask)
        x = self.memory_norm(x)
        return Memory(tuple(layer.attends_source.keys_values(x) for layer in self.decoder), mask)

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, D], at each place of inputs [B, T]."""
        x = self._embedded(inputs)
        for layer, picture in zip(self.decoder, memory.layers, strict=True):
            x = layer(x, picture, memory.mask)
        return self.decoder_norm(x)

    def start(self, memory: Memory, beam: int) -> tuple[KeysValues, ...]:
        """Returns keys and values of no place yet, [B, K, h, 0, D / h], for each layer."""
        keys = memory.layers[0][0]
        none = keys.new_empty(len(keys), beam, self.heads, 0, keys.shape[3])
        return ((none, none),) * len(self.decoder)

    def step(
        self, symbols: Tensor, state: tuple[KeysValues, ...], memory: Memory
    ) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Returns logits [B, K, V], and the keys and values of all places up to symbols [B, K]."""
        x = self._embedded(symbols, state[0][0].shape[3], is_row=True)
        caches = []
        for layer, picture, cache in zip(self.decoder, memory.layers, state, strict=True):
            x, cache = layer.step(x, cache, picture, memory.mask)
            caches.append(cache)
        return self.logits(self.decoder_norm(x)), tuple(caches)

    def attention(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns the attention of the last layer to places and the whole, the mean over heads, [B, T, S + 1]."""
        x = self._embedded(inputs)
        (*before, (last, picture)) = zip(self.decoder, memory.layers, strict=True)
        for layer, layer_picture in before:
            x = layer(x, layer_picture, memory.mask)
        return last.asks(x, picture, memory.mask)

    def _embedded(self, symbols: Tensor, first: int = 0, is_row: bool = False) -> Tensor:
        """Returns embeddings with positions from the first on; of symbols that all have one place, in a row."""
        width = self.embedding.embedding_dim
        places = positions(1 if is_row else symbols.shape[1], width, first, symbols.device)
        return self.dropout(self.embedding(symbols) * width**0.5 + places)
