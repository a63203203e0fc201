"""A text as a stream of words, and its loader: which frequent words are left out, and windows, drawn for each epoch."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import torch
from torch import Tensor

from core.randomness import generator
from datamodules.base.loader import Loader
from datamodules.text.documents import Documents
from datamodules.words.batches import WordBatch

Rule = Literal["word2vec.c", "paper"]


def keeping_probabilities(counts: Tensor, sample: float, rule: Rule = "word2vec.c") -> Tensor:
    """Returns the probability of each word to be kept, float32 [V], so that frequent words do not fill the windows.

    Args:
        counts: Occurrences of each word in the text, [V].
        sample: Share of a text above which a word is left out now and then; 0 keeps all.
        rule: With f, a word's share of the text: `paper` is sqrt(sample / f), as in Mikolov et al., 2013; `word2vec.c`
            adds sample / f, as the paper's own program does.
    """
    if not sample:
        return torch.ones(len(counts))
    shares = counts.double().clamp(min=1) / counts.sum()
    kept = (sample / shares).sqrt() + (sample / shares if rule == "word2vec.c" else 0)
    return kept.clamp(max=1).float()


class WordStream:
    """A text as numbers of words; its length is the number of words.

    Args:
        documents: The words of all documents; windows stay within a document.
        keep: Probability of each word of the vocabulary to be kept, float32 [V].
    """

    def __init__(self, documents: Documents, keep: Tensor) -> None:
        self.documents = documents
        self.keep = keep

    def __len__(self) -> int:
        """Number of words."""
        return len(self.documents.tokens)

    def kept_share(self, counts: Tensor) -> float:
        """Returns the share of the text that is kept on average.

        Args:
            counts: Occurrences of each word, [V].
        """
        return float((counts * self.keep.double()).sum() / counts.sum())

    def thinned(self, rng: torch.Generator) -> "WordStream":
        """Returns the text with frequent words left out once and for all."""
        documents = self.documents
        kept = torch.rand(len(self), generator=rng) < self.keep[documents.tokens]
        places = torch.cat([torch.zeros(1, dtype=torch.int64), kept.cumsum(0)])
        return WordStream(Documents(documents.tokens[kept], places[documents.starts]), torch.ones_like(self.keep))


class WordLoader(Loader):
    """Reads a text in pieces of equal length, in an order of each epoch or from the beginning to the end.

    Which words are left out, and how wide the window around each is, are functions of seed, epoch and place.

    Args:
        stream: The text.
        window: Most words on each side of a word that are its context; the number is drawn uniformly from 1 to this.
        words: Words of the text in a piece, before frequent ones are left out, on all processes together.
        shuffle: Whether pieces come in random order.
        seed: Seed of all draws, together with the epoch.
        rank: Index of this process, which reads a share of each piece, equal but for a word.
        world_size: Number of processes.
    """

    def __init__(
        self,
        stream: WordStream,
        window: int,
        words: int,
        shuffle: bool,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(seed)
        self.stream = stream
        self.window = window
        self.batch_size = words
        self.shuffle = shuffle
        self._mine = slice(rank * words // world_size, (rank + 1) * words // world_size)

    def __len__(self) -> int:
        """Number of pieces in an epoch; the words behind the last whole piece are not used."""
        return len(self.stream) // self.batch_size

    def __iter__(self) -> Iterator[WordBatch]:
        first, self.position = self.position, 0
        order = torch.arange(len(self))
        if self.shuffle:
            order = torch.randperm(len(self), generator=generator(self.seed, "order of pieces", self.epoch))
        pieces = order[first:].tolist()
        if torch.get_num_threads() == 1:
            yield from map(self.read, pieces)
            return
        with ThreadPoolExecutor(1) as reader:  # reads one piece ahead
            ahead = None
            for piece in pieces:
                ready, ahead = ahead, reader.submit(self.read, piece)
                if ready is not None:
                    yield ready.result()
            if ahead is not None:
                yield ahead.result()

    def read(self, piece: int) -> WordBatch:
        """Returns this process's share of a piece."""
        rng = generator(self.seed, "words", self.epoch, piece)
        draws = torch.rand(self.batch_size, generator=rng)
        radii = torch.randint(1, self.window + 1, (self.batch_size,), generator=rng)
        mine, begin = self._mine, piece * self.batch_size
        tokens = self.stream.documents.tokens[begin + mine.start : begin + mine.stop]
        kept = (draws[mine] < self.stream.keep[tokens]).nonzero()[:, 0]
        left, right = within_documents(radii[mine][kept], kept + begin + mine.start, self.stream.documents.starts)
        return WordBatch.of(tokens[kept].long(), left, right)


def within_documents(radii: Tensor, places: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """Returns how far the window of each word reaches before and behind it, within its document and this piece.

    Args:
        radii: Width of each window, [N].
        places: Place of each word in the whole text, ascending, [N].
        starts: Start of each document and end of the last, [D + 1].

    Returns:
        Numbers of words before and behind, [N] each.
    """
    here = torch.arange(len(places))
    if not len(places):
        return here, here
    first, last = torch.searchsorted(starts, places[[0, -1]], right=True).tolist()
    borders = torch.searchsorted(places, starts[first:last])  # of documents that begin within the piece
    borders = torch.cat([here[:1], borders, here[-1:] + 1])
    lengths = borders.diff()  # 0 for a document of which nothing is kept
    begins, ends = (borders[side].repeat_interleave(lengths) for side in (slice(-1), slice(1, None)))
    return torch.minimum(radii, here - begins), torch.minimum(radii, ends - 1 - here)


class BatchListLoader(Loader):
    """Loads batches that are there already, such as questions of a file, on every process.

    Args:
        batches: The batches.
    """

    batch_size = 1

    def __init__(self, batches: Sequence[Any]) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        yield from self.batches
