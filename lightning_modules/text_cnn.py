"""Convolutional network for sentences: filters of several widths, and the maximum of each over time.

Yoon Kim, "Convolutional Neural Networks for Sentence Classification", 2014, arXiv:1408.5882.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.word_embedding import WordEmbedding, dense_head
from lightning_modules.tasks.task import without
from lightning_modules.tasks.text_classifier import TextClassifier


class TextCNN(TextClassifier):
    """Embedding, convolutions of several widths with ReLU, max pooling over time, and a dense head.

    The maximum is over windows that lie within the document. A document shorter than a window is padded with zeros to
    one window.

    Args:
        num_classes: Number of classes K.
        vocab_size: Number of symbols V, with padding as 0.
        embedding: Width E of the embedding.
        embedding_range: Embeddings are initialised uniformly between minus and plus this.
        embeddings: Run of word vectors, or file of them (`.txt`, `.vec`, `.bin`), that words start from.
        widths: Widths of the windows.
        filters: Number of filters of each width.
        head_hidden: Units of a hidden dense layer with ReLU in the head; no such layer if 0.
        dropout: Dropout probability of inputs of the last dense layer in training.
        embedding_dropout: Probability of dropping the whole embedding of a word in training.
        initializer: Initialiser of the filters: torch's `default`, or `third`, uniform within
            1 / (3 sqrt(E + filters)) with biases of 0.
        training: What `TextClassifier` takes, such as `optimizer`.

    Raises:
        InputError: A width is below 1, or there is none.
    """

    def __init__(
        self,
        num_classes: int,
        vocab_size: int,
        embedding: int = 128,
        embedding_range: float = 0.25,
        embeddings: str | None = None,
        widths: Sequence[int] = (3, 4, 5),
        filters: int = 100,
        head_hidden: int = 0,
        dropout: float = 0.5,
        embedding_dropout: float = 0.0,
        initializer: Literal["default", "third"] = "default",
        **training: Any,
    ) -> None:
        if not widths or min(widths) < 1:
            raise InputError(f"model.widths is {list(widths)}: one or more, each at least 1, are needed")
        training = without(training, objective="cross_entropy", logistic=False)
        super().__init__(num_classes, objective="cross_entropy", logistic=False, **training)
        self.embedding = WordEmbedding(vocab_size, embedding, embedding_range, embedding_dropout, embeddings)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, filters, width) for width in widths)
        if initializer == "third":
            for convolution in self.convolutions:
                bound = 1 / (3 * (embedding + filters) ** 0.5)
                nn.init.uniform_(convolution.weight, -bound, bound)
                nn.init.zeros_(convolution.bias)
        self.head = dense_head(filters * len(widths), head_hidden, self.units, dropout)

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the embedding, the convolutions, which are side by side, as one part, and the layers of the head."""
        return [self.embedding, self.convolutions, *self.head]

    def scores(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns the outputs of the head, [B, units], for tokens [B, M] and lengths [B]."""
        x = self.embedding(tokens, lengths).transpose(1, 2)  # [B, E, M], zeros after the end
        strongest = []
        for convolution in self.convolutions:
            width = convolution.kernel_size[0]
            maps = F.relu(convolution(F.pad(x, (0, width - 1))))  # [B, F, M], a window from each position
            whole = padding_mask((lengths - width + 1).clamp(min=1), maps.shape[2])
            # masked positions are 0, which is the minimum after ReLU
            strongest.append((maps * whole[:, None]).amax(2))
        return self.head(torch.cat(strongest, 1))

    def head_layers(self) -> list[nn.Module]:
        """Returns the last dense layer, unless it is a single logistic unit."""
        return [self.head[-1]] if self.units > 1 else []

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the weights of the last dense layer."""
        return [self.head[-1].weight]
