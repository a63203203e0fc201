"""Counts the words of texts, and numbers them by falling frequency."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from datamodules.text.documents import Documents
from datamodules.text.vocabulary import frequent
from datamodules.text.words import Words

RUNS = Words("RUN")
PIECE = 2**20  # characters of a text that are split into words at a time


@dataclass
class CountedWords:
    """A text as numbers of its words.

    Attributes:
        words: The vocabulary, the most frequent word first.
        counts: Occurrences of each, int64 [V].
        documents: The numbers; words that the vocabulary lacks are left out, and documents without any other.
        total: Number of all words of the text.
        combining_marks: Whether words of the text go on over combining marks.
    """

    words: tuple[str, ...]
    counts: Tensor
    documents: Documents
    total: int
    combining_marks: bool


def count_words(
    documents: Iterable[str],
    tokens: Callable[[str], list[str]],
    min_count: int,
    max_size: int | None,
    words: tuple[str, ...] | None,
) -> CountedWords:
    """Counts and numbers the words of documents, in one pass.

    Args:
        documents: The texts.
        tokens: Splits a text into words.
        min_count: Least number of occurrences of a word in the vocabulary.
        max_size: Most words in the vocabulary.
        words: The vocabulary, if it is given.
    """
    first: defaultdict[str, int] = defaultdict(count().__next__)  # numbers in order of appearance
    numbers, lengths = array("i"), array("q")
    for document in documents:
        before = len(numbers)
        for piece in _pieces(document):
            numbers.extend(map(first.__getitem__, tokens(piece)))
        lengths.append(len(numbers) - before)
    found = list(first)
    given = torch.frombuffer(numbers, dtype=torch.int32) if numbers else torch.empty(0, dtype=torch.int32)
    counts = given.bincount(minlength=len(found))
    if words is None:
        words = tuple(frequent(dict(zip(found, counts.tolist(), strict=True)), min_count, max_size))
    place_of = {word: place for place, word in enumerate(words)}
    new = torch.tensor([place_of.get(word, -1) for word in found] or [-1], dtype=torch.int32)
    renumbered = new[given] if len(given) else given
    known = renumbered >= 0
    ends = torch.cat([torch.zeros(1, dtype=torch.int64), known.cumsum(0)])
    edges = torch.cat([torch.zeros(1, dtype=torch.int64), torch.tensor(lengths, dtype=torch.int64).cumsum(0)])
    tokens_kept = renumbered[known]
    return CountedWords(
        words,
        tokens_kept.bincount(minlength=len(words)),
        Documents(tokens_kept, ends[edges].unique_consecutive()),
        len(given),
        RUNS.any_combining_marks(found),
    )


def _pieces(text: str) -> Iterator[str]:
    """Yields a long text in pieces that end between words, since lists of all its words would fill the memory."""
    begin = 0
    while len(text) - begin > PIECE:
        end = max(text.rfind(" ", begin, begin + PIECE), text.rfind("\n", begin, begin + PIECE))
        end = begin + PIECE if end <= begin else end
        yield text[begin:end]
        begin = end
    yield text[begin:]


def describe(counted: CountedWords) -> str:
    """Returns in words how much of a text its vocabulary covers."""
    kept = len(counted.documents.tokens)
    return f"{len(counted.words):,} words in the vocabulary, which are {kept:,} of the text's {counted.total:,}"
