"""Word embedding and dense head of text classifiers."""

from typing import Literal

import torch
from torch import Tensor, nn

from core.ranges import check_range
from lightning_modules.layers.masks import padding_mask
from lightning_modules.layers.word_table import WordTable

HeadInitializer = Literal["unit", "glorot"]


class WordEmbedding(nn.Module):
    """Embeds the tokens of documents; embeddings after the end of a document are 0.

    Args:
        vocab_size: Number of symbols.
        width: Width E of the embedding.
        start: Embeddings are initialised uniformly between minus and plus this.
        dropout: Probability of dropping the whole embedding of a word in training.
        source: A run or a file of word vectors to start from.
    """

    def __init__(
        self, vocab_size: int, width: int, start: float, dropout: float = 0.0, source: str | None = None
    ) -> None:
        super().__init__()
        check_range("model.embedding_dropout", dropout, most=1, below=True)
        self.table = WordTable(vocab_size, width, source)
        nn.init.uniform_(self.table.weight, -start, start)
        self.table.note_initial_weights()
        self.dropout = dropout

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns embeddings [B, M, E] of tokens [B, M] in documents of lengths [B]."""
        kept = padding_mask(lengths, tokens.shape[1])
        scale = 1.0
        if self.training and self.dropout:
            kept = kept & (torch.rand(tokens.shape, device=tokens.device, dtype=torch.float32) >= self.dropout)
            scale = 1 / (1 - self.dropout)
        return self.table(tokens) * (kept * scale)[..., None]


def dense_head(
    inputs: int, hidden: int, units: int, dropout: float, initializer: HeadInitializer = "unit"
) -> nn.Sequential:
    """Returns a head: dropout and a dense layer, with a hidden layer and ReLU before them if `hidden` is not 0.

    Weights are initialised uniformly within sqrt(3 / inputs), which has variance 1 / inputs, or with `glorot` within
    sqrt(6 / (inputs + outputs)); biases as 0.
    """
    layers: list[nn.Module] = []
    if hidden:
        layers += [nn.Linear(inputs, hidden), nn.ReLU()]
    layers += [nn.Dropout(dropout), nn.Linear(hidden or inputs, units)]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            glorot = 6 / (layer.in_features + layer.out_features)
            bound = (glorot if initializer == "glorot" else 3 / layer.in_features) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)
