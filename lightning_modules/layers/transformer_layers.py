"""Layers of a Transformer with norms in front of each part (pre-norm), and positions.

Ashish Vaswani et al., 2017, arXiv:1706.03762; norms in front: Ruibin Xiong et al., 2020, arXiv:2002.04745.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range

KeysValues = tuple[Tensor, Tensor]  # [..., h, S, D / h] each, of h heads


class Heads(nn.Module):
    """Attention of several heads, by torch's fused kernels.

    Args:
        width: Width D of inputs and outputs.
        heads: Number of heads h.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        for layer in (self.query, self.key_value, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def keys_values(self, x: Tensor) -> KeysValues:
        """Returns keys and values of what is attended to, [B, S, D]."""
        keys, values = self.key_value(x).chunk(2, -1)
        return self._by_head(keys), self._by_head(values)

    def forward(
        self, x: Tensor, keys_values: KeysValues, mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """Returns answers [B, T, D].

        Args:
            x: What asks, [B, T, D].
            keys_values: What is attended to.
            mask: Where that may be attended to, bool [B, S]; everywhere if not given.
            is_causal: Whether each place attends only to itself and those before it.
        """
        keys, values = keys_values
        allowed = None if mask is None else mask[:, None, None]
        answers = F.scaled_dot_product_attention(
            self._by_head(self.query(x)), keys, values, attn_mask=allowed, is_causal=is_causal
        )
        return self.out(answers.transpose(1, 2).flatten(2))

    def weights(self, x: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Returns the attention of each place to each other, the mean over heads, [B, T, S]."""
        scores = self._by_head(self.query(x)) @ keys.transpose(2, 3) * keys.shape[3] ** -0.5
        return scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(3).mean(1)

    def _by_head(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Sequential):
    """Two dense layers with ReLU between them, at each place alone.

    Args:
        width: Width D of inputs and outputs.
        hidden: Width between them.
        dropout: Dropout probability between them.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        for layer in (self[0], self[3]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


class EncoderLayer(nn.Module):
    """Attention of a sentence to itself, and dense layers.

    Args:
        width: Width D.
        heads: Number of heads.
        hidden: Width between the dense layers.
        dropout: Dropout probability of what each part adds, and between the dense layers.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attends = Heads(width, heads)
        self.feed = FeedForward(width, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Returns [B, S, D] of [B, S, D], with symbols where the mask [B, S] says."""
        normed = self.norms[0](x)
        x = x + self.dropout(self.attends(normed, self.attends.keys_values(normed), mask))
        return x + self.dropout(self.feed(self.norms[1](x)))


class DecoderLayer(nn.Module):
    """Attention of a translation to itself and to its sentence, and dense layers; arguments as of `EncoderLayer`."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.attends = Heads(width, heads)
        self.attends_source = Heads(width, heads)
        self.feed = FeedForward(width, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, source: KeysValues, mask: Tensor) -> Tensor:
        """Returns [B, T, D] of a translation's places [B, T, D], each of which sees those before it."""
        normed = self.norms[0](x)
        x = x + self.dropout(self.attends(normed, self.attends.keys_values(normed), is_causal=True))
        return self._rest(x, source, mask)

    def step(self, x: Tensor, cache: KeysValues, source: KeysValues, mask: Tensor) -> tuple[Tensor, KeysValues]:
        """Returns [B, K, D] of the latest places of K translations, and the cache [B, K, h, T, D / h] with them."""
        normed = self.norms[0](x).flatten(0, 1)[:, None]  # [B K, 1, D]
        new = (part.unflatten(0, x.shape[:2]) for part in self.attends.keys_values(normed))
        cache = tuple(torch.cat(parts, 3) for parts in zip(cache, new, strict=True))
        answers = self.attends(normed, tuple(part.flatten(0, 1) for part in cache))
        return self._rest(x + answers[:, 0].unflatten(0, x.shape[:2]), source, mask), cache

    def asks(self, x: Tensor, source: KeysValues, mask: Tensor) -> Tensor:
        """Returns the attention of places [B, T, D] to the sentence, the mean over heads, [B, T, S]."""
        normed = self.norms[0](x)
        x = x + self.attends(normed, self.attends.keys_values(normed), is_causal=True)
        return self.attends_source.weights(self.norms[1](x), source[0], mask)

    def _rest(self, x: Tensor, source: KeysValues, mask: Tensor) -> Tensor:
        x = x + self.dropout(self.attends_source(self.norms[1](x), source, mask))
        return x + self.dropout(self.feed(self.norms[2](x)))


class Memory(NamedTuple):
    """What a decoder attends to beside its own words.

    Attributes:
        layers: Keys and values of it for each layer of the decoder.
        mask: Where there is something, bool [B, S].
    """

    layers: tuple[KeysValues, ...]
    mask: Tensor


class Decoder(nn.ModuleList):
    """Layers that write word after word; other arguments as of `EncoderLayer`.

    Args:
        layers: Number of layers.
    """

    def __init__(self, layers: int, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__(DecoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.heads = heads

    def memory(self, x: Tensor, mask: Tensor) -> Memory:
        """Returns the memory of what is attended to, [B, S, D], where the mask [B, S] is true."""
        return Memory(tuple(layer.attends_source.keys_values(x) for layer in self), mask)

    def forward(self, x: Tensor, memory: Memory) -> Tensor:
        """Returns [B, T, D] of all places [B, T, D], each of which sees those before it."""
        for layer, source in zip(self, memory.layers, strict=True):
            x = layer(x, source, memory.mask)
        return x

    def start(self, memory: Memory, beam: int) -> tuple[KeysValues, ...]:
        """Returns keys and values of no place yet, [B, K, h, 0, D / h], for each layer."""
        keys = memory.layers[0][0]
        none = keys.new_empty(len(keys), beam, self.heads, 0, keys.shape[3])
        return ((none, none),) * len(self)

    def step(self, x: Tensor, state: tuple[KeysValues, ...], memory: Memory) -> tuple[Tensor, tuple[KeysValues, ...]]:
        """Returns [B, K, D] of the latest places, and the keys and values of all places up to them."""
        caches = []
        for layer, source, cache in zip(self, memory.layers, state, strict=True):
            x, cache = layer.step(x, cache, source, memory.mask)
            caches.append(cache)
        return x, tuple(caches)

    def attention(self, x: Tensor, memory: Memory) -> Tensor:
        """Returns the attention of the last layer to the memory, the mean over heads, [B, T, S]."""
        *before, (last, source) = zip(self, memory.layers, strict=True)
        for layer, layer_source in before:
            x = layer(x, layer_source, memory.mask)
        return last.asks(x, source, memory.mask)


def check_sizes(layers: int, width: int, heads: int, hidden: int, dropout: float) -> None:
    """Checks a model's arguments of these names.

    Raises:
        InputError: One is out of range, or the width is no even multiple of the heads.
    """
    check_range("model.layers", layers, 1)
    check_range("model.heads", heads, 1)
    if width < 2 or width % 2 or width % heads:
        raise InputError(f"model.width is {width}: an even multiple of model.heads, {heads}, is needed")
    check_range("model.hidden", hidden, 1)
    check_range("model.dropout", dropout, 0, 1, below=True)


def positions(length: int, width: int, first: int = 0, device: torch.device | None = None) -> Tensor:
    """Returns sines and cosines of places, whose wave lengths grow geometrically up to 10,000 x 2 pi, [length, width].

    Args:
        length: Number of places.
        width: Width; even.
        first: The first place.
        device: Where they are wanted.
    """
    places = torch.arange(first, first + length, device=device, dtype=torch.float32)
    rates = 10_000 ** (-torch.arange(0, width, 2, device=device) / width)
    angles = places[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
