"""Loaders of a text for language models: parallel rows, or random windows."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.base.loader import Loader
from datamodules.batches import CharacterBatch


class Rows:
    """A part of a text, cut into parallel rows; its length is the number of symbols to predict.

    Args:
        symbols: [R, C + 1]; the last symbol of a row is only a target.
    """

    def __init__(self, symbols: Tensor) -> None:
        self.symbols = symbols

    @classmethod
    def cut(cls, text: Tensor, rows: int) -> "Rows":
        """Cuts a text into consecutive rows of equal length; the remaining symbols at the end are not used.

        Args:
            text: [N].
            rows: Number of rows R.
        """
        columns = max(0, (len(text) - 1) // rows)
        # a row's last target is the first symbol of the next row
        return cls(torch.stack([text[row * columns : (row + 1) * columns + 1] for row in range(rows)]))

    def __len__(self) -> int:
        """Number of symbols that are predicted."""
        return self.symbols.shape[0] * self.columns

    @property
    def columns(self) -> int:
        """Number of symbols that are predicted in each row."""
        return max(0, self.symbols.shape[1] - 1)


class RowLoader(Loader):
    """Reads all rows from left to right in steps of equal length, so that each batch continues the previous one.

    Args:
        rows: The rows of all processes together.
        steps: Symbols per step T.
        whole: Whether to drop the last symbols of the rows if they do not fill a step.
        rank: Index of this process, which reads an equal share of the rows.
        world_size: Number of processes.
    """

    def __init__(self, rows: Rows, steps: int, whole: bool, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self.batch_size = len(rows.symbols) * steps  # symbols per batch, on all processes together
        self.symbols = rows.symbols.tensor_split(world_size)[rank]
        self.steps = steps
        self.batches = rows.columns // steps if whole else -(-rows.columns // steps)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return self.batches

    def __iter__(self) -> Iterator[CharacterBatch]:
        first, self.position = self.position, 0
        for batch in range(first, self.batches):
            piece = self.symbols[:, batch * self.steps : (batch + 1) * self.steps + 1]
            yield CharacterBatch(piece.long(), fresh=batch == 0)


class WindowLoader(Loader):
    """Cuts a text into windows with a random offset in each epoch, and reads them in random order.

    Args:
        text: All symbols, [N].
        steps: Symbols per window T.
        batch_size: Windows per batch, on all processes together.
        seed: Seed of the order, together with the epoch.
        rank: Index of this process.
        world_size: Number of processes.
    """

    def __init__(
        self, text: Tensor, steps: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(seed)
        self.text = text
        self.steps = steps
        self.windows = batch_size
        self.batch_size = batch_size * steps  # symbols per batch, on all processes together
        self.rank = rank
        self.share = batch_size // world_size

    @property
    def _positions(self) -> int:
        """Number of windows that fit for every offset."""
        return (len(self.text) - self.steps) // self.steps

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return self._positions // self.windows

    def __iter__(self) -> Iterator[CharacterBatch]:
        first, self.position = self.position, 0
        rng = generator(self.seed, "windows", self.epoch)
        shift = torch.randint(self.steps, (), generator=rng)
        starts = (shift + self.steps * torch.randperm(self._positions, generator=rng)).to(self.text.device)
        span = torch.arange(self.steps + 1, device=self.text.device)
        for batch in range(first, len(self)):
            begin = batch * self.windows + self.rank * self.share
            mine = starts[begin : begin + self.share]
            yield CharacterBatch(self.text[mine[:, None] + span].long(), fresh=True)


class PrimeLoader(Loader):
    """Loads the beginnings of texts (primes) to continue, one per batch, because their lengths differ.

    Args:
        primes: Symbols of each prime.
    """

    batch_size = 1

    def __init__(self, primes: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.primes = primes

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.primes)

    def __iter__(self) -> Iterator[CharacterBatch]:
        for prime in self.primes:
            yield CharacterBatch(torch.tensor([prime]), fresh=True)
