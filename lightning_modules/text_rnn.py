"""Recurrent network that classifies documents.

Sepp Hochreiter and Jürgen Schmidhuber, "Long Short-Term Memory", 1997; both directions: Mike Schuster and Kuldip
Paliwal, 1997; attention over the outputs: Zichao Yang et al., "Hierarchical Attention Networks for Document
Classification", 2016.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.recurrent import Recurrent
from lightning_modules.layers.word_embedding import HeadInitializer, WordEmbedding, dense_head
from lightning_modules.tasks.text_classifier import TextClassifier

Pooling = Literal["last", "mean", "max", "attention"]


class TextRNN(TextClassifier):
    """Embedding, recurrent layers, pooling over time, and a dense head.

    Args:
        num_classes: Number of classes K.
        vocab_size: Number of symbols V, with padding as 0.
        embedding: Width E of the embedding.
        embedding_range: Embeddings are initialised uniformly between minus and plus this.
        embeddings: Run of word vectors, or file of them (`.txt`, `.vec`, `.bin`), that words start from.
        cell: Kind of recurrent layer; `scratch` is an LSTM implemented gate by gate, `peephole` adds connections
            from the cell to the gates.
        layers: Number of recurrent layers.
        hidden: Units H of each layer and direction.
        bidirectional: Whether layers also process the document backwards.
        pooling: Input of the head: the last output, the mean or maximum over all outputs, or their mean weighted by
            attention.
        dropout: Dropout probability of each recurrent layer's outputs in training.
        embedding_dropout: Probability of dropping the whole embedding of a word in training.
        head_hidden: Units of a hidden dense layer with ReLU in the head; no such layer if 0.
        head_dropout: Dropout probability of inputs of the last dense layer in training.
        head_initializer: Range of the head's initial weights: `unit` for a variance of 1 / inputs, or `glorot`.
        initializer: Initialiser of the recurrent weights; see `Recurrent`.
        forget_bias: Added to the initial biases of the forget gates of LSTMs.
        training: What `TextClassifier` takes, such as `optimizer`.
    """

    def __init__(
        self,
        num_classes: int,
        vocab_size: int,
        embedding: int = 128,
        embedding_range: float = 0.25,
        embeddings: str | None = None,
        cell: Literal["rnn", "gru", "lstm", "scratch", "peephole"] = "lstm",
        layers: int = 1,
        hidden: int = 128,
        bidirectional: bool = False,
        pooling: Pooling = "last",
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        head_hidden: int = 0,
        head_dropout: float = 0.0,
        head_initializer: HeadInitializer = "unit",
        initializer: Literal["default", "glorot", "orthogonal", "third"] = "default",
        forget_bias: float = 0.0,
        **training: Any,
    ) -> None:
        super().__init__(num_classes, **training)
        self.embedding = WordEmbedding(vocab_size, embedding, embedding_range, embedding_dropout, embeddings)
        self.recurrent = Recurrent(
            cell,
            embedding,
            hidden,
            layers,
            dropout,
            bidirectional=bidirectional,
            initializer=initializer,
            forget_bias=forget_bias,
        )
        width = hidden * (2 if bidirectional else 1)
        self.pooling = pooling
        if pooling == "attention":
            self.attention = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))
        self.head = dense_head(width, head_hidden, self.units, head_dropout, head_initializer)

    def scores(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns the outputs of the head, [B, units], for tokens [B, M] and lengths [B]."""
        outputs, last = self.recurrent.encode(self.embedding(tokens, lengths), lengths)  # [B, M, D], [B, D]
        if self.pooling == "last":
            return self.head(last)
        within = padding_mask(lengths, tokens.shape[1])[..., None]  # [B, M, 1]
        if self.pooling == "mean":
            return self.head(torch.where(within, outputs, 0).sum(1) / lengths[:, None])
        if self.pooling == "max":
            return self.head(torch.where(within, outputs, -torch.inf).amax(1))
        weights = torch.where(within, self.attention(outputs).float(), -torch.inf).softmax(1)
        return self.head((torch.where(within, outputs, 0) * weights).sum(1))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer, unless it is a single logistic unit."""
        return [self.head[-1]] if self.units > 1 else []
