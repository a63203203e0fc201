"""Windows around the words of a piece of text, as blocks of neighbouring words for matrix products."""

from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from datamodules.words.batches import WordBatch

UNIT = 64  # columns of a block's scores, or a multiple: sizes that matrix products are fast at


class Windows:
    """The pairs of a piece: each word with those in the window around it.

    A block is a run of B neighbouring words, whose windows lie within M = B + 2R words, R the widest radius. The pairs
    of a block are some of the products of all its words with all of these, so that one matrix product gives their
    scores. Behind the last of the N words, and before the first, stands word 0, which is in no pair.

    Args:
        batch: The piece, N words.
        dtype: Number format of vectors.

    Attributes:
        own: Numbers of the words of all blocks, int64 [blocks * B].
        around: Numbers of these, with R more at both ends, int64 [blocks * B + 2R].
    """

    def __init__(self, batch: WordBatch, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        self.left, self.right = batch.left, batch.right
        self.n = len(batch.words)
        self.radius = batch.radius
        units = -(-4 * self.radius // UNIT) or 1  # so many that at least half of a block's columns are its own words
        self.columns = units * UNIT
        self.width = self.columns - 2 * self.radius
        self.blocks = -(-self.n // self.width)
        padded = batch.words.new_zeros(self.blocks * self.width + 2 * self.radius)
        padded[self.radius : self.radius + self.n] = batch.words
        self.around = padded
        self.own = padded[self.radius : self.radius + self.blocks * self.width]

    @cached_property
    def sizes(self) -> Tensor:
        """Number of words in the window of each word of a block, [blocks, B]."""
        return self.in_blocks((self.left + self.right).to(self.dtype))

    @cached_property
    def mask(self) -> Tensor:
        """Which products of a block are pairs, [blocks, B, M]."""
        device = self.left.device
        columns = torch.arange(-self.radius, self.width + self.radius, device=device)
        distances = (columns - torch.arange(self.width, device=device)[:, None]).short()
        left, right = (self.in_blocks(sizes.short())[..., None] for sizes in (self.left, self.right))
        return ((distances >= -left) & (distances <= right) & (distances != 0)).to(self.dtype)

    def around_of(self, some: slice) -> Tensor:
        """Returns the numbers of the words of some blocks, with R more at both ends."""
        return self.around[some.start * self.width : some.stop * self.width + 2 * self.radius]

    def ring_in(self, products: Tensor) -> Tensor:
        """Returns a view of the products [blocks, B, M] that belong to `rings`, [blocks, B, 2R + 1]."""
        size = (len(products), self.width, 2 * self.radius + 1)
        return products.as_strided(size, (self.width * self.columns, self.columns + 1, 1))

    def parts(self) -> list[slice]:
        """Returns the blocks in runs, for threads to share: on a CPU, as many runs as torch has threads."""
        number = torch.get_num_threads() if self.left.device.type == "cpu" else 1
        borders = [self.blocks * place // number for place in range(number + 1)]
        return [slice(first, last) for first, last in pairwise(borders)]

    def in_blocks(self, values: Tensor) -> Tensor:
        """Returns values of the N words by blocks, [blocks, B]; zeros behind the last word."""
        padded = values.new_zeros(self.blocks * self.width)
        padded[: self.n] = values
        return padded.view(self.blocks, self.width)

    def around_blocks(self, values: Tensor) -> Tensor:
        """Returns a view of what belongs to `around`, or to some blocks of it, by blocks.

        Args:
            values: [blocks * B + 2R, ...].

        Returns:
            [blocks, M, ...]; neighbours share what lies between them.
        """
        rest = values.shape[1:]
        blocks = (len(values) - 2 * self.radius) // self.width
        strides = (self.width * values.stride(0), *values.stride())
        return values.as_strided((blocks, self.columns, *rest), strides, values.storage_offset())

    def appearances(self, weights: Tensor) -> Tensor:
        """Returns the sum of the weights of all windows in which each word is, for the words in and around blocks.

        Args:
            weights: Weight of each word's window, [blocks, B].

        Returns:
            [blocks, M]; a word's sum stands in its own block, and zeros around it.
        """
        weights = weights.flatten()[: self.n]
        changes = weights.new_zeros(self.n + 1)
        places = torch.arange(self.n, device=weights.device)
        changes.index_add_(0, places - self.left, weights)
        changes.index_add_(0, places + self.right + 1, -weights)
        sums = changes.cumsum(0)[:-1] - weights  # a window is around its word, which is not in it
        found = weights.new_zeros(self.blocks, self.columns)
        found[:, self.radius : self.radius + self.width] = self.in_blocks(sums)
        return found

    @property
    def rings(self) -> Tensor:
        """Which of the words from R before to R behind each word are in its window, [blocks, B, 2R + 1]."""
        return self.rings_of(slice(None))

    def rings_of(self, some: slice) -> Tensor:
        """Returns the rings of some blocks."""
        kinds = self._kinds[some]
        return self._forms.index_select(0, kinds.flatten()).view(len(kinds), self.width, 2 * self.radius + 1)

    @cached_property
    def _kinds(self) -> Tensor:
        """Number of the form of each word's window, [blocks, B]."""
        return self.in_blocks(self.left * (self.radius + 1) + self.right)

    @cached_property
    def _forms(self) -> Tensor:
        """The rings of all forms of windows, [(R + 1)^2, 2R + 1]."""
        offsets = torch.arange(-self.radius, self.radius + 1, device=self.left.device)
        reach = torch.arange(self.radius + 1, device=self.left.device)[:, None]
        forms = (offsets >= -reach)[:, None] & (offsets <= reach) & (offsets != 0)
        return forms.flatten(0, 1).to(self.dtype)

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Returns the place of the first word of each pair, and the number of the second, int64 [P] each."""
        place, column = self.rings.flatten(0, 1).nonzero(as_tuple=True)
        return place, self.around[place + column]
