"""Transformer language model with rotary positions and a memory of earlier pieces: predicts the next symbol of a text.

Alec Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; rotary positions: arXiv:2104.09864;
memory: Zihang Dai et al., "Transformer-XL", 2019, arXiv:1901.02860.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.mark_embedding import MarkEmbedding
from lightning_modules.layers.recurrent import State
from lightning_modules.layers.rotary_attention import Memory, Piece, RotaryAttention
from lightning_modules.tasks.language_model import LanguageModel

PIECE = 1_000  # symbols that are read at a time, but in training: attention takes memory by their square


class Block(nn.Module):
    """Attention, and dense layers at each place, with norms in front of both.

    Args:
        width: Width D.
        heads: Number of heads.
        context: Number of places that each place sees.
        dropout: Dropout probability of what each part adds.
    """

    def __init__(self, width: int, heads: int, context: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = RotaryAttention(width, heads, context)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, piece: Piece, memory: Memory | None) -> tuple[Tensor, Memory]:
        """Returns [B, T, D] of [B, T, D], and the memory after it."""
        answers, memory = self.attention(self.norms[0](x), piece, memory)
        x = x + self.dropout(answers)
        return x + self.dropout(self.narrow(F.gelu(self.widen(self.norms[1](x)), approximate="tanh"))), memory


class TransformerLM(LanguageModel):
    """Embedding, blocks of attention and dense layers, and a softmax with the weights of the embedding.

    Args:
        vocab_size: Number of symbols V.
        layers: Number of blocks.
        width: Width D.
        heads: Number of heads, which divides the width into even parts.
        context: Number of symbols that a prediction sees directly; their keys and values are carried from piece to
            piece.
        dropout: Dropout probability of the embedding and of what each part of a block adds.
        mark_sizes: How many values each mark of a symbol has.
        training: What `LanguageModel` takes, such as `temperature` and `optimizer`.

    Raises:
        InputError: A size is out of range.
    """

    def __init__(
        self,
        vocab_size: int,
        layers: int = 4,
        width: int = 192,
        heads: int = 6,
        context: int = 512,
        dropout: float = 0.1,
        mark_sizes: tuple[int, ...] = (),
        **training: Any,
    ) -> None:
        for name, value, least in (
            ("layers", layers, 1),
            ("heads", heads, 1),
            ("width", width, 2),
            ("context", context, 2),
        ):
            check_range(f"model.{name}", value, least)
        check_range("model.dropout", dropout, most=1, below=True)
        if width % (2 * heads):
            raise InputError(f"model.width is {width}: cannot be divided into {heads} heads of an even width")
        super().__init__(**training)
        self.context = context
        self.embedding = nn.Embedding(vocab_size, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, context, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                # outputs of blocks add up; as GPT-2
                deep = name.endswith(("out.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=0.02 * ((2 * layers) ** -0.5 if deep else 1))
        self.mark_embedding = MarkEmbedding(mark_sizes, width) if mark_sizes else None

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the embedding last, behind the blocks: its weights are those of the softmax."""
        return sorted(super().parts_by_depth(), key=lambda part: part is self.embedding)

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the embedding's weights, which are those of the softmax."""
        return [self.embedding.weight]

    def embed(self, symbols: Tensor) -> Tensor:
        """Returns embeddings, [B, T, D], of symbols int64 [B, T]."""
        return self.embedding(symbols)

    def continue_from(self, state: State | None, x: Tensor) -> tuple[Tensor, State]:
        """Returns logits [B, T, V] and the memories after inputs [B, T, D], from those before them (None: empty)."""
        if self.training or x.shape[1] <= PIECE:
            return self._read(state, x)
        parts = []
        for part in x.split(PIECE, 1):
            logits, state = self._read(state, part)
            parts.append(logits)
        return torch.cat(parts, 1), state

    def _read(self, state: State | None, x: Tensor) -> tuple[Tensor, State]:
        """Returns the same of inputs that are read in one piece."""
        x, after = self.dropout(x), []
        piece = Piece(x, None if state is None else state[0], self.context)
        for place, block in enumerate(self.blocks):
            x, memory = block(x, piece, None if state is None else state[place])
            after.append(memory)
        return F.linear(self.norm(x), self.embedding.weight), after
