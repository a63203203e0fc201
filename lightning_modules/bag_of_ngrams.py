"""Linear classifiers of documents as bags of words or n-grams.

Averaged embeddings: Armand Joulin, Edouard Grave, Piotr Bojanowski and Tomáš Mikolov, "Bag of Tricks for Efficient
Text Classification" (fastText), 2016, arXiv:1607.01759. Naive-Bayes weights: Sida Wang and Christopher Manning,
"Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.ranges import check_range
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.word_table import WordTable
from lightning_modules.tasks.text_classifier import TextClassifier


class NaiveBayes(nn.Module):
    """The log-count ratio of each symbol: its frequency in documents of a class relative to all other documents.

    Args:
        vocab_size: Number of symbols V; padding, 0, and unknown, 1, have ratios of 0.
        units: Number of classes K; 1 for the second of two classes relative to the first.
        smoothing: Added to the number of documents of each class that contain a symbol.
    """

    constant_buffers = ("log_ratios",)

    def __init__(self, vocab_size: int, units: int, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing
        # buffers, not parameters: saved in checkpoints, not optimized
        self.register_buffer("log_ratios", torch.zeros(vocab_size, units))
        self.register_buffer("is_set", torch.tensor(False))

    def initialize_from_counts(self, counts: Tensor) -> None:
        """Sets the ratios, unless they are already set, as by a checkpoint.

        Args:
            counts: Number of training documents of each class that contain each symbol, [V, K].
        """
        if self.is_set:
            return
        here = counts + self.smoothing
        others = counts.sum(1, keepdim=True) - counts + self.smoothing
        ratios = (here / here.sum(0)).log() - (others / others.sum(0)).log()
        ratios[:2] = 0
        self.log_ratios.copy_(ratios[:, -self.log_ratios.shape[1] :])  # for one unit, those of the second class
        self.is_set.fill_(True)


class BagOfNgrams(TextClassifier):
    """Sums a weight of each symbol for each class, divided by the square root of the number of symbols.

    With `embedding`, a dense layer on the mean of the embeddings replaces the weights; with `naive_bayes` as well, both
    are added.

    Args:
        num_classes: Number of classes K.
        vocab_size: Number of symbols V, with padding as 0.
        embedding: Width E of the embedding; no embedding if 0.
        embeddings: Run of word vectors, or file of them (`.txt`, `.vec`, `.bin`), that words start from.
        naive_bayes: Whether weights are multiplied by log-count ratios of the training documents.
        smoothing: Added to the number of documents of each class that contain a symbol.
        start: Initial value of the weights with `naive_bayes`; without, they start at 0.
        dropout: Probability of dropping a symbol in training, which sees documents that are shorter by so much.
        training: What `TextClassifier` takes, such as `optimizer`.

    Raises:
        InputError: A value is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        vocab_size: int,
        embedding: int = 0,
        embeddings: str | None = None,
        naive_bayes: bool = False,
        smoothing: float = 1.0,
        start: float = 1.0,
        dropout: float = 0.0,
        **training: Any,
    ) -> None:
        check_range("model.dropout", dropout, most=1, below=True)
        check_range("model.smoothing", smoothing, above=True)
        check_range("model.embedding", embedding)
        if embeddings is not None and not embedding:
            raise InputError("model.embeddings: there are no embeddings; give model.embedding, their width")
        super().__init__(num_classes, **training)
        self.dropout = dropout
        self.bias = nn.Parameter(torch.zeros(self.units))
        self.naive_bayes = NaiveBayes(vocab_size, self.units, smoothing) if naive_bayes else None
        self.weights = self.embedding = None
        if naive_bayes or not embedding:
            weights = torch.full((vocab_size, self.units), start if naive_bayes else 0.0)
            self.weights = nn.Parameter(weights)
        if embedding:
            self.embedding = WordTable(vocab_size, embedding, embeddings)
            nn.init.uniform_(self.embedding.weight, -1 / embedding, 1 / embedding)  # as in fastText
            self.embedding.note_initial_weights()
            self.head = nn.Linear(embedding, self.units, bias=False)
            nn.init.zeros_(self.head.weight)

    def scores(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns the outputs of the head, [B, units], for tokens [B, M] and lengths [B]."""
        kept = padding_mask(lengths, tokens.shape[1])
        if self.training and self.dropout:
            kept = kept & (torch.rand(tokens.shape, device=tokens.device, dtype=torch.float32) >= self.dropout)
        documents, places = kept.nonzero(as_tuple=True)  # once: each search makes a GPU wait
        symbols = tokens[documents, places]  # of all documents, concatenated: [S]
        numbers = lengths[:, None] * (1 - self.dropout if self.training else 1)
        scores = self.bias.expand(tokens.shape[0], -1)
        if self.weights is not None:
            values = F.embedding(symbols, self.weights)  # [S, units]
            if self.naive_bayes is not None:
                values = values * F.embedding(symbols, self.naive_bayes.log_ratios)
            scores = scores + _sums(values, documents, tokens.shape[0]) / numbers.sqrt()
        if self.embedding is not None:
            scores = scores + self.head(_sums(self.embedding(symbols), documents, tokens.shape[0]) / numbers)
        return scores

    def head_layers(self) -> list[nn.Module]:
        """Returns the dense layer on the embeddings, unless there are none or it is a single logistic unit."""
        return [self.head] if self.embedding is not None and self.units > 1 else []

    def output_weights(self) -> list[nn.Parameter]:
        """Returns the weights of symbols and those of the dense layer on the embeddings, as far as there are any."""
        weights = [] if self.weights is None else [self.weights]
        return weights if self.embedding is None else [*weights, self.head.weight]


def _sums(values: Tensor, documents: Tensor, n: int) -> Tensor:
    """Returns the sums of values [S, D] over each of n documents, [n, D]; `documents` [S] has their indices."""
    return values.new_zeros(n, values.shape[1]).index_add(0, documents, values)
