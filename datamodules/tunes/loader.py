"""Tunes in memory, and loaders of them for language models: in rows to train on, each by itself to be measured."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.base.loader import Loader


class TuneBatch(NamedTuple):
    """Pieces of tunes, or whole ones; one symbol longer than the input. Shorter ones are padded.

    Attributes:
        symbols: int64 [B, T + 1].
        lengths: Number of symbols to predict of each, int64 [B].
        characters: Number of characters that the symbols stand for, by which losses are reported.
        fresh: Whether a model starts with an empty state; otherwise the pieces continue those of the previous batch.
    """

    symbols: Tensor
    lengths: Tensor
    characters: int
    fresh: bool

    @property
    def inputs(self) -> Tensor:
        """Input symbols, int64 [B, T]."""
        return self.symbols[:, :-1]

    @property
    def targets(self) -> Tensor:
        """The symbol after each input symbol, int64 [B, T]; -100, which no loss counts, in the padding."""
        places = torch.arange(self.symbols.shape[1] - 1, device=self.symbols.device)
        return self.symbols[:, 1:].masked_fill(places >= self.lengths[:, None], -100)

    def reported(self, loss: Tensor) -> tuple[Tensor, int]:
        """Returns the mean loss by the unit in which it is reported, and the number of units: of characters."""
        return loss * (self.lengths.sum() / self.characters), self.characters


class Tunes:
    """Tunes of one part, each in one or more keys; its length is the number of symbols to predict.

    Args:
        tunes: For each tune its symbols in each of its keys, the original first, int64 [L]; each begins and ends with
            the end of a tune.
        weights: For each tune how often each of its keys is wanted.
        characters: Characters of each tune in its original key, its end included.
        notes: Notes and rests of each tune.
    """

    def __init__(
        self,
        tunes: Sequence[Sequence[Tensor]],
        weights: Sequence[Sequence[float]],
        characters: Sequence[int],
        notes: Sequence[int],
    ) -> None:
        flat = [keys for tune in tunes for keys in tune]
        self.symbols = torch.cat(flat).to(torch.int16) if flat else torch.zeros(0, dtype=torch.int16)
        most = max([len(tune) for tune in tunes], default=1)
        self.lengths = torch.zeros(len(tunes), most, dtype=torch.int64)
        self.weights = torch.zeros(len(tunes), most)
        for place, (tune, weight) in enumerate(zip(tunes, weights, strict=True)):
            self.lengths[place, : len(tune)] = torch.tensor([len(key) for key in tune])
            self.weights[place, : len(tune)] = torch.tensor(weight)
        ends = self.lengths.flatten().cumsum(0).view_as(self.lengths)
        self.starts = ends - self.lengths
        self.characters = torch.tensor(characters, dtype=torch.int64)
        self.notes = torch.tensor(notes, dtype=torch.int64)

    def __len__(self) -> int:
        """Number of symbols that are predicted in the original keys."""
        return int(self.lengths[:, 0].sum()) - len(self.lengths)

    def tune(self, place: int, key: int = 0) -> Tensor:
        """Returns the symbols of a tune in one of its keys, int64 [L]."""
        start = int(self.starts[place, key])
        return self.symbols[start : start + int(self.lengths[place, key])].long()


class TuneRows(Loader):
    """Strings all tunes together, in another order and other keys in each epoch, and reads them in rows side by side.

    Args:
        tunes: The tunes.
        rows: Number of rows, on all processes together.
        steps: Symbols per step T.
        seed: Seed of order and keys, together with the epoch.
        rank: Index of this process, which reads an equal share of the rows.
        world_size: Number of processes.
    """

    def __init__(self, tunes: Tunes, rows: int, steps: int, seed: int, rank: int = 0, world_size: int = 1) -> None:
        super().__init__(seed)
        self.tunes = tunes
        self.rows = rows
        self.steps = steps
        self.batch_size = rows * steps  # symbols per batch, on all processes together
        self.rank = rank
        self.world_size = world_size
        shortest = torch.where(tunes.weights > 0, tunes.lengths, tunes.lengths.max()).amin(1)
        self.columns = int((shortest - 1).sum()) // rows  # in whatever keys the tunes are
        self.per_symbol = int(tunes.characters.sum()) / max(1, len(tunes))

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return self.columns // self.steps

    def __iter__(self) -> Iterator[TuneBatch]:
        first, self.position = self.position, 0
        rng = generator(self.seed, "tunes", self.epoch)
        order = torch.randperm(len(self.tunes.lengths), generator=rng).tolist()
        keys = torch.multinomial(self.tunes.weights, 1, generator=rng).flatten().tolist()
        # a tune's last symbol, its end, is also the first of the next
        text = torch.cat(
            [self.tunes.tune(order[0], keys[order[0]])[:1]] + [self.tunes.tune(p, keys[p])[1:] for p in order]
        )
        rows = torch.stack([text[row * self.columns : (row + 1) * self.columns + 1] for row in range(self.rows)])
        rows = rows.tensor_split(self.world_size)[self.rank]
        for batch in range(first, len(self)):
            piece = rows[:, batch * self.steps : (batch + 1) * self.steps + 1]
            lengths = torch.full((len(piece),), self.steps)
            yield TuneBatch(piece, lengths, round(lengths.sum().item() * self.per_symbol), fresh=batch == 0)


class WholeTunes(Loader):
    """Reads every tune once, by itself and in its own key; those of similar length form a batch.

    Args:
        tunes: The tunes.
        batch_size: Tunes of a batch.
        rank: Index of this process, which reads every `world_size`-th tune.
        world_size: Number of processes.
    """

    def __init__(self, tunes: Tunes, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self.tunes = tunes
        self.batch_size = batch_size
        self.places = tunes.lengths[:, 0].argsort(stable=True)[rank::world_size]

    def __len__(self) -> int:
        """Number of batches on this process."""
        return -(-len(self.places) // self.batch_size)

    def __iter__(self) -> Iterator[TuneBatch]:
        first, self.position = self.position, 0
        for places in self.places.split(self.batch_size)[first:]:
            tunes = [self.tunes.tune(place) for place in places.tolist()]
            lengths = torch.tensor([len(tune) - 1 for tune in tunes])
            symbols = torch.nn.utils.rnn.pad_sequence(tunes, batch_first=True)
            yield TuneBatch(symbols, lengths, int(self.tunes.characters[places].sum()), fresh=True)
