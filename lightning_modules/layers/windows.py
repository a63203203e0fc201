"""Windows around the words of a piece of text, as blocks of neighbouring words for matrix products."""

from functools import cached_property

import torch
from torch import Tensor

from datamodules.batches import WordBatch

UNIT = 64  # columns of a block's scores, or a multiple: sizes that matrix products are fast at


class Windows:
    """The pairs of a piece: each word with those in the window around it.

    A block is a run of B neighbouring words, whose windows lie within B + 2R words, R the widest radius. The pairs of a
    block are some of the products of all its words with all of these, so that one matrix product gives their scores.

    Args:
        batch: The piece, N words.
        dtype: Number format of vectors.
    """

    def __init__(self, batch: WordBatch, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        self.left, self.right = batch.left, batch.right
        self.n = len(batch.words)
        self.radius = int(torch.maximum(self.left, self.right).max()) if self.n else 0
        units = -(-4 * self.radius // UNIT) or 1  # so many that at least half of a block's columns are its own words
        self.width = units * UNIT - 2 * self.radius
        self.blocks = -(-self.n // self.width)
        self.places = torch.arange(self.n, device=self.left.device)

    @cached_property
    def sizes(self) -> Tensor:
        """Number of words in the window of each word, [N]."""
        return (self.left + self.right).to(self.dtype)

    @cached_property
    def mask(self) -> Tensor:
        """Which products of a block are pairs, [blocks, B, B + 2R]."""
        device = self.left.device
        columns, rows = (
            torch.arange(self.width + 2 * self.radius, device=device),
            torch.arange(self.width, device=device),
        )
        distances = (columns - self.radius - rows[:, None]).short()
        left, right = (self.in_blocks(sizes).short()[..., None] for sizes in (self.left, self.right))
        return ((distances >= -left) & (distances <= right) & (distances != 0)).to(self.dtype)

    def in_blocks(self, values: Tensor) -> Tensor:
        """Returns values of each word, [N, ...], by blocks, [blocks, B, ...]; zeros behind the last word."""
        missing = self.blocks * self.width - self.n
        padded = torch.cat([values, values.new_zeros(missing, *values.shape[1:])]) if missing else values
        return padded.view(self.blocks, self.width, *values.shape[1:])

    def around_blocks(self, vectors: Tensor) -> Tensor:
        """Returns a view of the vectors [N, D] that are in or around each block, [blocks, B + 2R, D]."""
        size = vectors.shape[1]
        before = vectors.new_zeros(self.radius, size)
        behind = vectors.new_zeros(self.blocks * self.width - self.n + self.radius, size)
        padded = torch.cat([before, vectors, behind])
        shape = self.blocks, self.width + 2 * self.radius, size
        return padded.as_strided(shape, (self.width * size, size, 1))

    def add_up(self, around: Tensor, out: Tensor) -> None:
        """Adds up what blocks say of the words in and around them.

        Args:
            around: [blocks, B + 2R, D]; zeros where there is no pair.
            out: The sum for each word, [N, D], which is written.
        """
        radius, width = self.radius, self.width
        own = around[:, radius : radius + width]
        if radius and self.blocks > 1:  # whose neighbours a block reaches into; a block is wider than a radius
            own[1:, :radius] += around[:-1, radius + width :]
            own[:-1, width - radius :] += around[1:, :radius]
        whole = self.n // width
        out[: whole * width].view(whole, width, around.shape[2]).copy_(own[:whole])
        if whole < self.blocks:
            out[whole * width :] = own[whole, : self.n - whole * width]

    def appearances(self, weights: Tensor) -> Tensor:
        """Returns the sum over the windows in which each word is, [N], of the windows' weights [N]."""
        changes = weights.new_zeros(self.n + 1)
        changes.index_add_(0, self.places - self.left, weights)
        changes.index_add_(0, self.places + self.right + 1, -weights)
        return changes.cumsum(0)[:-1] - weights  # a window is around its word, which is not in it

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Returns the places of both words of each pair, int64 [P] each."""
        offsets = torch.arange(-self.radius, self.radius + 1, device=self.left.device)
        inside = (offsets >= -self.left[:, None]) & (offsets <= self.right[:, None]) & (offsets != 0)
        centre, column = inside.nonzero(as_tuple=True)
        return centre, centre + column - self.radius
