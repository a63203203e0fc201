"""Recurrent language model of characters: predicts the next character, and generates text.

Tomáš Mikolov et al., "Recurrent neural network based language model", Interspeech 2010; Ilya Sutskever, James Martens
and Geoffrey Hinton, "Generating Text with Recurrent Neural Networks", ICML 2011. Dropout between layers: Wojciech
Zaremba, Ilya Sutskever and Oriol Vinyals, 2014, arXiv:1409.2329. Tied weights: Ofir Press and Lior Wolf, 2016,
arXiv:1608.05859.
"""

from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.mark_embedding import MarkEmbedding
from lightning_modules.layers.recurrent import Recurrent, State
from lightning_modules.tasks.language_model import LanguageModel
from lightning_modules.tasks.task import without


class CharRNN(LanguageModel):
    """Embedding or one-hot input, recurrent layers, and a softmax over the symbols.

    The softmax's weights are in the parameter group `weights` and not in `head`, because optimizer states of existing
    checkpoints have them there, and because tied weights are also those of the embedding. An optimizer with a rule for
    each use of weights, such as Muon, has them in `head`.

    Args:
        vocab_size: Number of symbols V.
        cell: Kind of recurrent layer; `scratch` is an LSTM implemented gate by gate, `peephole` adds connections
            from the cell to the gates.
        layers: Number of recurrent layers.
        hidden: Units H of each layer.
        dropout: Dropout probability of each layer's outputs in training.
        embedding: Width of the input embedding; one-hot inputs if 0.
        tie_weights: Whether the softmax uses the embedding's weights; `embedding` must then equal `hidden`.
        initializer: Initialiser of the recurrent weights; see `Recurrent`.
        forget_bias: Added to the initial biases of the forget gates of LSTMs.
        head_std: Standard deviation of the softmax's initial weights, a normal distribution truncated at two of them;
            torch's default initialisation if 0.
        mark_sizes: How many values each mark of a symbol has.
        training: What `LanguageModel` takes, such as `temperature` and `optimizer`.

    Raises:
        InputError: A size is out of range.
    """

    def __init__(
        self,
        vocab_size: int,
        cell: Literal["rnn", "gru", "lstm", "scratch", "peephole"] = "lstm",
        layers: int = 2,
        hidden: int = 512,
        dropout: float = 0.0,
        embedding: int = 0,
        tie_weights: bool = False,
        initializer: Literal["default", "glorot", "orthogonal"] = "default",
        forget_bias: float = 0.0,
        head_std: float = 0.0,
        mark_sizes: tuple[int, ...] = (),
        **training: Any,
    ) -> None:
        check_range("model.layers", layers, 1)
        check_range("model.hidden", hidden, 1)
        check_range("model.dropout", dropout, most=1, below=True)
        check_range("model.embedding", embedding)
        if tie_weights and embedding != hidden:
            raise InputError(
                f"model.tie_weights: the embedding is {embedding} wide and a layer {hidden}; set model.embedding to "
                f"{hidden}"
            )
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding) if embedding else None
        self.recurrent = Recurrent(
            cell, embedding or vocab_size, hidden, layers, dropout, initializer=initializer, forget_bias=forget_bias
        )
        self.head = nn.Linear(hidden, vocab_size)
        if head_std:
            nn.init.trunc_normal_(self.head.weight, std=head_std, a=-2 * head_std, b=2 * head_std)
            nn.init.zeros_(self.head.bias)
        if tie_weights:
            nn.init.normal_(self.embedding.weight, std=hidden**-0.5)  # logits start with a size of about 1
            self.head.weight = self.embedding.weight
        self.mark_embedding = MarkEmbedding(mark_sizes, embedding or vocab_size) if mark_sizes else None

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the softmax's weights."""
        return [self.head.weight]

    def embed(self, symbols: Tensor) -> Tensor:
        """Returns embeddings or one-hot vectors, [B, T, I], of symbols int64 [B, T]."""
        if self.embedding is None:
            return F.one_hot(symbols, self.vocab_size).to(self.head.weight.dtype)
        return self.embedding(symbols)

    def continue_from(self, state: State | None, x: Tensor) -> tuple[Tensor, State]:
        """Returns logits [B, T, V] and the state after inputs [B, T, I], from the state before them (None: zero)."""
        outputs, state = self.recurrent(x, state)  # [B, T, H]
        return self.head(outputs), state
