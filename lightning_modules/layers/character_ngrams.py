"""Words as the sum of their parts: groups of characters, which rare words share with frequent ones.

Piotr Bojanowski, Edouard Grave, Armand Joulin and Tomáš Mikolov, "Enriching Word Vectors with Subword Information"
(fastText), 2016, arXiv:1607.04606.
"""

import zlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_modules.layers.row_gradients import RowGradient


def character_ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """Returns the groups of neighbouring characters of a word between `<` and `>`, from shortest to longest."""
    marked = f"<{word}>"
    sizes = range(shortest, min(longest, len(marked) - 1) + 1)
    return [marked[start : start + size] for size in sizes for start in range(len(marked) - size + 1)]


class WordParts:
    """The rows of a table that each word is the sum of: its own, and those of its groups of characters.

    The sum is divided by the square root of their number, so that a gradient moves a word as far as it would alone.

    Args:
        words: All words.
        shortest: Fewest characters of a group, `<` and `>` included.
        longest: Most characters.
        buckets: Number of rows behind those of the words that groups are spread over by a checksum.
    """

    def __init__(self, words: Sequence[str], shortest: int, longest: int, buckets: int) -> None:
        self.vocab_size, self.shortest, self.longest, self.buckets = len(words), shortest, longest, buckets
        rows = [[number, *self.rows_of_parts(word)] for number, word in enumerate(words)]
        self._sizes = torch.tensor([len(row) for row in rows])
        self._begins = self._sizes.cumsum(0) - self._sizes
        self._rows = torch.tensor([number for row in rows for number in row])

    def rows_of_parts(self, word: str) -> list[int]:
        """Returns the rows of a word's groups of characters; also of one that is not in the vocabulary."""
        parts = character_ngrams(word, self.shortest, self.longest)
        return [self.vocab_size + zlib.crc32(part.encode()) % self.buckets for part in parts]

    def to(self, device: torch.device) -> "WordParts":
        """Moves the numbers to a device."""
        self._sizes, self._begins, self._rows = (each.to(device) for each in (self._sizes, self._begins, self._rows))
        return self

    def vectors(self, table: Tensor, words: Tensor) -> Tensor:
        """Returns the vectors of words [N] from a table [V + buckets, D]."""
        rows, sizes = self._of(words)
        begins = sizes.cumsum(0) - sizes
        return F.embedding_bag(rows, table, begins, mode="sum") / sizes.sqrt()[:, None]

    def vector_of_unknown(self, table: Tensor, word: str) -> Tensor:
        """Returns the vector of a word that is not in the vocabulary, [D]; zeros if it is too short for a group."""
        rows = self.rows_of_parts(word)
        return table[rows].sum(0) / max(1, len(rows)) ** 0.5

    def gradient(self, words: Tensor, values: Tensor, counts: Tensor) -> RowGradient:
        """Returns the gradient of the table, from those of the vectors of words.

        Args:
            words: int64 [N].
            values: [N, D].
            counts: Pairs of each, [N].
        """
        rows, sizes = self._of(words)
        total = len(rows)  # which repeat_interleave would wait for on a GPU
        values = (values / sizes.sqrt()[:, None]).repeat_interleave(sizes, 0, output_size=total)
        return RowGradient(rows, values, counts.repeat_interleave(sizes, output_size=total))

    def _of(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the rows of words [N], one word after the other, and how many each has."""
        sizes = self._sizes[words]
        places = torch.arange(int(sizes.sum()), device=words.device)
        shifts = (self._begins[words] - (sizes.cumsum(0) - sizes)).repeat_interleave(sizes, output_size=len(places))
        return self._rows[places + shifts], sizes
