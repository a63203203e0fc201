"""Recurrent network that classifies documents.

Sepp Hochreiter and Jürgen Schmidhuber, "Long Short-Term Memory", 1997; both directions: Mike Schuster and Kuldip
Paliwal, 1997; attention over the outputs: Zichao Yang et al., "Hierarchical Attention Networks for Document
Classification", 2016; short segments, pooled together: Rie Johnson and Tong Zhang, "Supervised and Semi-Supervised Text
Categorization using LSTM for Region Embeddings", 2016, arXiv:1602.02373; words pooled beside what is around them: Siwei
Lai, Liheng Xu, Kang Liu and Jun Zhao, "Recurrent Convolutional Neural Networks for Text Classification", 2015.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.recurrent import Recurrent
from lightning_modules.layers.segments import cut, some_segments
from lightning_modules.layers.word_embedding import HeadInitializer, WordEmbedding, dense_head
from lightning_modules.tasks.text_classifier import TextClassifier

Pooling = Literal["last", "mean", "max", "mean_max", "attention"]


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
        pooling: Input of the head: the last output, the mean or maximum over all outputs, both of these side by side,
            or the mean weighted by attention.
        pool_words: Whether each word's embedding is pooled beside the output at its place; not with the last output.
        segment: Tokens of each of the segments into which a document is cut. The layers begin each with an empty state,
            and the outputs of all are pooled together. 0 reads a document as a whole.
        segment_dropout: Part of a document's segments that is left out in a training step, which takes as much less
            time; one stays at least.
        dropout: Dropout probability of each recurrent layer's outputs in training.
        embedding_dropout: Probability of dropping the whole embedding of a word in training.
        head_hidden: Units of a hidden dense layer with ReLU in the head; no such layer if 0.
        head_dropout: Dropout probability of inputs of the last dense layer in training.
        head_initializer: Range of the head's initial weights: `unit` for a variance of 1 / inputs, or `glorot`.
        initializer: Initialiser of the recurrent weights; see `Recurrent`.
        forget_bias: Added to the initial biases of the forget gates of LSTMs.
        training: What `TextClassifier` takes, such as `optimizer`.

    Raises:
        InputError: A setting is out of range, or needs another value of another one.
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
        pool_words: bool = False,
        segment: int = 0,
        segment_dropout: float = 0.0,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        head_hidden: int = 0,
        head_dropout: float = 0.0,
        head_initializer: HeadInitializer = "unit",
        initializer: Literal["default", "glorot", "orthogonal", "third"] = "default",
        forget_bias: float = 0.0,
        **training: Any,
    ) -> None:
        check_range("model.segment", segment)
        check_range("model.segment_dropout", segment_dropout, most=1, below=True)
        if pooling == "last" and (segment or pool_words):
            setting = "segment" if segment else "pool_words"
            raise InputError(f"model.pooling is last: model.{setting} needs one over all places, such as mean_max")
        if segment_dropout and not segment:
            raise InputError("model.segment_dropout: a document is one segment; model.segment cuts it into more")
        super().__init__(num_classes, **training)
        self.segment, self.segment_dropout = segment, segment_dropout
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
        width = hidden * (2 if bidirectional else 1) + (embedding if pool_words else 0)
        self.pooling, self.pool_words = pooling, pool_words
        if pooling == "attention":
            self.attention = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))
        pooled = width * (2 if pooling == "mean_max" else 1)
        self.head = dense_head(pooled, head_hidden, self.units, head_dropout, head_initializer)

    def scores(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns the outputs of the head, [B, units], for tokens [B, M] and lengths [B]."""
        if not self.segment:
            outputs, last = self.read(tokens, lengths)
            within = padding_mask(lengths, tokens.shape[1])[..., None]  # [B, M, 1]
            return self.head(last if self.pooling == "last" else self.pool(outputs, within))
        pieces, lengths = cut(tokens, lengths, self.segment)  # [B, G, S], [B, G]
        if self.training and self.segment_dropout:
            pieces, lengths = some_segments(pieces, lengths, self.segment_dropout)
        places, sizes = pieces.shape[:2], lengths.flatten()
        outputs, _ = self.read(pieces.flatten(0, 1), sizes)
        within = padding_mask(sizes, self.segment)[..., None]  # [BG, S, 1]
        outputs, within = (part.unflatten(0, places).flatten(1, 2) for part in (outputs, within))  # [B, GS, D]
        return self.head(self.pool(outputs, within))

    def read(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what is pooled, [N, M, D], and the last outputs, of tokens [N, M]; of an empty row anything."""
        words = self.embedding(tokens, lengths)  # [N, M, E]
        outputs, last = self.recurrent.encode(words, lengths.clamp(min=1))
        return torch.cat([outputs, words.to(outputs.dtype)], 2) if self.pool_words else outputs, last

    def pool(self, outputs: Tensor, within: Tensor) -> Tensor:
        """Returns one vector for each document, [B, D], or [B, 2D] of mean and maximum.

        Args:
            outputs: Outputs at all places, [B, N, D].
            within: Which of them are of the document, bool [B, N, 1]; at least one.
        """
        if self.pooling == "attention":
            weights = torch.where(within, self.attention(outputs).float(), -torch.inf).softmax(1)
            return (torch.where(within, outputs, 0) * weights).sum(1)
        pooled = []
        if "mean" in self.pooling:
            pooled.append(torch.where(within, outputs, 0).sum(1) / within.sum(1))
        if "max" in self.pooling:
            pooled.append(torch.where(within, outputs, -torch.inf).amax(1))
        return torch.cat(pooled, 1)

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer, unless it is a single logistic unit."""
        return [self.head[-1]] if self.units > 1 else []

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the weights of the last dense layer."""
        return [self.head[-1].weight]
