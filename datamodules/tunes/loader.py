"""Tunes in memory, and loaders of them for language models: in rows to train on, each by itself to be measured."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from core.randomness import generator
from datamodules.base.loader import Loader
from datamodules.batches import TuneBatch
from datamodules.tunes.marks import marks_after
from datamodules.tunes.notation import SOUNDING, Tune, kind_of
from datamodules.tunes.spelling import Spelling


class Tunes:
    """Tunes of one part, each in one or more keys; its length is the number of symbols to predict.

    Args:
        tunes: The tunes as a network sees them.
        characters: Characters of the text of each, its end included, by which losses are reported.
        spelling: Numbers of their tokens.
        weights: How often each key is wanted of each tune, float32 [N, K]; its own key alone if not given.
        marked: Whether symbols have marks.
    """

    def __init__(
        self,
        tunes: Sequence[Tune],
        characters: Sequence[int],
        spelling: Spelling,
        weights: Tensor | None = None,
        marked: bool = False,
    ) -> None:
        self.spelling = spelling
        self.weights = torch.ones(len(tunes), 1) if weights is None else weights
        self.characters = torch.tensor(characters, dtype=torch.int64)
        self.notes = torch.tensor(
            [sum(kind_of(token) in SOUNDING for token in tune.body) for tune in tunes], dtype=torch.int64
        )
        self.tokens = [torch.tensor([*map(spelling.numbers.get, tune.tokens), 0]) for tune in tunes]  # the end included
        self.marks = [  # after each token; after the end they are as they are before everything
            torch.tensor([*after, before], dtype=torch.uint8)
            for before, *after in map(marks_after, [tune.tokens for tune in tunes] if marked else ())
        ]
        keys = self.weights.shape[1]
        self.lengths = torch.zeros(len(tunes), keys, dtype=torch.int64)  # in symbols
        for place, tokens in enumerate(self.tokens):
            self.lengths[place] = 1 + spelling.lengths[spelling.in_key[:keys, tokens]].sum(1)

    def __len__(self) -> int:
        """Number of symbols that are predicted in the original keys."""
        return int(self.lengths[:, 0].sum()) - len(self.lengths)

    def strung(self, places: Sequence[int], keys: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """Strings tunes together, with the end of a tune before, between and after them.

        Args:
            places: Their places.
            keys: In which of its keys each is.

        Returns:
            Symbols, int64 [L], and their marks, uint8 [L, F], if they have any.
        """
        each = zip(places, keys, strict=True)
        moved = [self.spelling.in_key[key, self.tokens[place]] for place, key in each]
        tokens = torch.cat([torch.zeros(1, dtype=torch.int64), *moved])
        symbols, after = self.spelling.spelled(tokens)
        if not self.marks:
            return symbols, None
        begin = self.marks[places[0]][-1:].expand(2, -1)  # before the first end, and after it
        return symbols, torch.cat([begin, *(self.marks[place] for place in places)])[after]

    def tune(self, place: int, key: int = 0) -> Tensor:
        """Returns the symbols of a tune in one of its keys, with an end before and after them, int64 [L]."""
        return self.strung([place], [key])[0]


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
        symbols, marks = map(self._rows, self.tunes.strung(order, [keys[place] for place in order]))
        lengths = torch.full((len(symbols),), self.steps)
        for batch in range(first, len(self)):
            begin, end = batch * self.steps, (batch + 1) * self.steps
            yield TuneBatch(
                symbols[:, begin : end + 1],
                lengths,
                round(lengths.sum().item() * self.per_symbol),
                fresh=batch == 0,
                marks=None if marks is None else marks[:, begin:end].long(),
            )

    def _rows(self, text: Tensor | None) -> Tensor | None:
        """Returns the rows of this process, [R, C + 1, ...], of a text [L, ...]."""
        if text is None:
            return None
        rows = [text[row * self.columns : (row + 1) * self.columns + 1] for row in range(self.rows)]
        return torch.stack(rows).tensor_split(self.world_size)[self.rank]


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
            tunes, marks = zip(*(self.tunes.strung([place], [0]) for place in places.tolist()), strict=True)
            yield TuneBatch(
                pad_sequence(tunes, batch_first=True),
                torch.tensor([len(tune) - 1 for tune in tunes]),
                int(self.tunes.characters[places].sum()),
                fresh=True,
                marks=pad_sequence(marks, batch_first=True)[:, :-1].long() if self.tunes.marks else None,
            )
