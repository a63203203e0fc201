"""Captions by an LSTM that looks at places of the picture before each word.

Kelvin Xu et al., "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", 2015,
arXiv:1502.03044: the soft attention.
"""

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from core.ranges import check_range
from lightning_modules.layers.attention import Attention
from lightning_modules.picture_captioner import PictureCaptioner

State = tuple[Tensor, Tensor]  # output and cell, [..., H] each


class Memory(NamedTuple):
    """What the decoder knows of pictures.

    Attributes:
        values: Vectors of the places, [B, S, C].
        keys: What queries are compared with, [B, S, A].
        output: The decoder's output before the first word, [B, H].
        cell: Its cell.
    """

    values: Tensor
    keys: Tensor
    output: Tensor
    cell: Tensor


class AttentionCaptioner(PictureCaptioner):
    """Before each word, its last output asks places of the picture, and the answer is read with the last word.

    A gate, computed from the last output, scales each answer. Words are predicted from the word before, the output and
    the answer together.

    Args:
        vocab_size: Number of symbols V of captions; set from the data.
        image_size: Height and width of the pictures; set from the data.
        hidden: Units H of the LSTM.
        embedding: Width E of the embeddings.
        attention: Width A in which places are compared with what is asked.
        dropout: Dropout probability in training, of embeddings and of what the softmax reads.
        regularity: Weight of the mean square by which the attention to a place, summed over a caption, differs from 1.
        training: What `PictureCaptioner` takes, such as `network`, `beam` and `optimizer`.

    Raises:
        InputError: A setting is out of range.
    """

    sees_places: ClassVar[bool] = True

    def __init__(
        self,
        vocab_size: int,
        image_size: int,
        hidden: int = 256,
        embedding: int = 256,
        attention: int = 256,
        dropout: float = 0.0,
        regularity: float = 1.0,
        **training: Any,
    ) -> None:
        super().__init__(image_size=image_size, **training)
        for name, value in (("hidden", hidden), ("embedding", embedding), ("attention", attention)):
            check_range(f"model.{name}", value, 1)
        check_range("model.dropout", dropout, most=1, below=True)
        check_range("model.regularity", regularity)
        self.regularity = regularity
        self.norm = nn.LayerNorm(self.channels, elementwise_affine=False)
        self.embedding = nn.Embedding(vocab_size, embedding)
        self.asks = Attention("bahdanau", hidden, self.channels, attention)
        self.first = nn.Linear(self.channels, 2 * hidden)  # output and cell before the first word
        self.gate = nn.Linear(hidden, self.channels)
        self.lstm = nn.LSTMCell(embedding + self.channels, hidden)
        self.of_output = nn.Linear(hidden, embedding)
        self.of_answer = nn.Linear(self.channels, embedding, bias=False)
        self.head = nn.Linear(embedding, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def encode(self, images: Tensor) -> Memory:
        """Returns the memory of pictures [B, 3, H, W], or of their features."""
        places, _ = self.seen(images)
        values = self.norm(places)
        return Memory(values, self.asks.keys(values), *torch.tanh(self.first(values.mean(1))).chunk(2, 1))

    def outputs(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns what logits are computed from, [B, T, E], at each place of inputs [B, T]."""
        return self._decode(memory, inputs)[0]

    def outputs_and_penalty(self, memory: Memory, inputs: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Returns outputs as `outputs`, and how unevenly whole captions attend to places."""
        outputs, weights = self._decode(memory, inputs)
        summed = (weights * real[:, :, None]).sum(1)  # [B, S]
        captions = real.any(1)  # of a picture with fewer captions than others, some are empty
        uneven = (1 - summed).square().mean(1) * captions
        return outputs, self.regularity * uneven.sum() / captions.sum().clamp(min=1)

    def attention(self, memory: Memory, inputs: Tensor) -> Tensor:
        """Returns the attention of each place of inputs [B, T] to places of the picture, [B, T, S]."""
        return self._decode(memory, inputs)[1]

    def start(self, memory: Memory, beam: int) -> State:
        """Returns the state before the first symbol, [B, K, H]."""
        return tuple(part[:, None].expand(-1, beam, -1) for part in (memory.output, memory.cell))

    def step(self, symbols: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Returns logits [B, K, V] and the state after symbols [B, K]."""
        outputs, state, _ = self._next(self.embedding(symbols), state, memory)
        return self.logits(outputs), state

    def _decode(self, memory: Memory, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what logits are computed from, [B, T, E], and weights [B, T, S], of inputs [B, T]."""
        words = self.dropout(self.embedding(inputs))
        state, found = self.start(memory, 1), []
        for word in words.split(1, 1):
            outputs, state, weights = self._next(word, state, memory)
            found.append((outputs, weights))
        return tuple(torch.cat(parts, 1) for parts in zip(*found, strict=True))

    def _next(self, words: Tensor, state: State, memory: Memory) -> tuple[Tensor, State, Tensor]:
        """Returns what logits are computed from [B, K, E], the state and weights [B, K, S] after words [B, K, E]."""
        output, cell = state
        everywhere = torch.ones(memory.keys.shape[:2], dtype=torch.bool, device=output.device)
        answers, weights = self.asks(output, memory.keys, memory.values, everywhere)
        answers = self.gate(output).sigmoid() * answers
        read = torch.cat([words, answers], 2).flatten(0, 1)
        after = self.lstm(read, (output.flatten(0, 1), cell.flatten(0, 1)))
        output, cell = (part.unflatten(0, words.shape[:2]) for part in after)
        outputs = words + self.of_output(self.dropout(output)) + self.of_answer(answers)
        return self.dropout(outputs), (output, cell), weights
