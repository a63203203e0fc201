"""Causal attention with relative positions and a memory: each place sees the places before it, also of earlier pieces.

Rotary positions: Jianlin Su et al., 2021, arXiv:2104.09864. Memory of earlier pieces: Zihang Dai et al.,
"Transformer-XL", 2019, arXiv:1901.02860.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Keys and values of the places before, [B, h, S, D / h] each, the keys turned by their places; and the next place, [B].
Memory = tuple[Tensor, Tensor, Tensor]


class Piece:
    """What all layers share that read the same places: where these are, and which places each of them sees.

    Args:
        x: Inputs [B, T, D].
        memory: What a layer has kept of the places before; None where there are none.
        context: Number of places that each place sees, itself included.
    """

    def __init__(self, x: Tensor, memory: Memory | None, context: int) -> None:
        new = torch.arange(x.shape[1], device=x.device)
        self.first = x.new_zeros(x.shape[0], dtype=torch.int64) if memory is None else memory[2]
        self._places = (self.first[:, None] + new)[:, None]  # [B, 1, T]
        before = 0 if memory is None else memory[0].shape[2]
        all_places = torch.arange(before + x.shape[1], device=x.device)
        distances = before + new[:, None] - all_places  # [T, S + T]
        self._seen = (distances >= 0) & (distances < context)
        if memory is not None:  # of a text that began later, the first places of the memory are empty
            filled = all_places >= before - self.first[:, None]  # [B, S + T]
            self._seen = self._seen & filled[:, None, None]  # [B, 1, T, S + T]
        self._shared: tuple[Tensor, Tensor] | None = None

    def shared(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what is computed for the first layer alone, in the type of its queries, which autocast may choose.

        Returns:
            What `turns_of` the places are, and what is added to products: 0 for the places that are seen, else minus
            infinity, [T, S + T] or [B, 1, T, S + T].
        """
        if self._shared is None:
            mask = torch.zeros_like(self._seen, dtype=like.dtype).masked_fill_(~self._seen, -torch.inf)
            self._shared = turns_of(self._places, like), mask
        return self._shared


class RotaryAttention(nn.Module):
    """Attention of several heads of each place to itself and to those before it.

    Args:
        width: Width D of inputs and outputs.
        heads: Number of heads h.
        context: Number of places that each place sees, itself included.
    """

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.context = context
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, piece: Piece, memory: Memory | None = None) -> tuple[Tensor, Memory]:
        """Returns answers [B, T, D] of places [B, T, D], and the memory for the places after them."""
        query, key, value = self.query_key_value(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        turns, mask = piece.shared(query)
        query, key = rotated(query, turns), rotated(key, turns)
        if memory is not None:
            key, value = torch.cat([memory[0], key], 2), torch.cat([memory[1], value], 2)
        answers = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        kept = slice(1 - self.context, None)  # the last places, which the next one sees beside itself
        first = piece.first if memory is None else memory[2]
        memory = key[:, :, kept], value[:, :, kept], first + x.shape[1]
        return self.out(answers.transpose(1, 2).flatten(2)), memory


def turns_of(places: Tensor, like: Tensor) -> Tensor:
    """Returns cosine and sine of the angles of places int64 [B, 1, T] in the type of queries, [2, B, 1, T, d / 2].

    The angles are float64: float32 has no fractions of radians left far into a text. MPS has no float64.
    """
    half = like.shape[-1] // 2
    device = torch.device("cpu") if like.device.type == "mps" else like.device
    rates = 10_000.0 ** (-torch.arange(half, dtype=torch.float64, device=device) / half)
    angles = places.to(device)[..., None] * rates
    return torch.stack([angles.cos(), angles.sin()]).to(like.dtype).to(like.device)


def rotated(x: Tensor, turns: Tensor) -> Tensor:
    """Returns queries or keys [B, h, T, d] turned by `turns_of` their places: products depend on distances alone."""
    half = x.shape[-1] // 2
    cosine, sine = turns
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)
