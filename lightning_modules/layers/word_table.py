"""An embedding of words that can start from vectors which were learned before, by a run or anywhere."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.files.home import from_home
from core.files.tensor_files import load_checkpoint
from core.run_layout import checkpoint_in
from datamodules.text.vocabulary import read_saved
from datamodules.words.vector_files import Vectors, read_vectors
from lightning_modules.layers.character_ngrams import WordParts


class WordTable(nn.Embedding):
    """An embedding whose rows are of words.

    Args:
        size: Number of rows.
        width: Size D of a vector.
        source: A run of word vectors, or a file of them (`.txt`, `.vec`, `.bin`), from which training starts; the words
            that it lacks keep their random vectors.
        settings: What `nn.Embedding` takes.
    """

    def __init__(self, size: int, width: int, source: str | None = None, **settings: Any) -> None:
        super().__init__(size, width, **settings)
        self.source = source
        self._untouched: int | None = None  # version of the weights as they were initialised

    def note_initial_weights(self) -> None:
        """Notes that the weights have their random values; `start_from_source` replaces no others."""
        self._untouched = self.weight._version

    @property
    def is_set(self) -> bool:
        """Whether the rows have been taken from the source or loaded, if there is a source."""
        return self.source is None or self.weight._version != self._untouched

    def start_from_source(self, symbols: Sequence[str]) -> str | None:
        """Takes the vectors of the source, unless weights have been loaded since.

        Args:
            symbols: Word of each row.

        Returns:
            How many words have begun so, in words; None if there is no source.

        Raises:
            InputError: It cannot be read, is of another size, or knows none of the words.
        """
        if self.is_set:
            return None
        found = read_source(self.source, symbols)
        number = self.take_vectors(symbols, found, f"--model.embeddings {self.source}")
        return f"{number:,} of {len(symbols):,} words start from {self.source}"

    @torch.no_grad()
    def take_vectors(self, symbols: Sequence[str], found: Vectors, where: str) -> int:
        """Sets the rows of words that have vectors, and returns their number.

        Args:
            symbols: Word of each row.
            found: Words and vectors.
            where: Where they come from, for messages.

        Raises:
            InputError: They are of another size, or of other words.
        """
        rows = {word: row for row, word in enumerate(symbols)}
        known = [(rows[word], place) for place, word in enumerate(found.words) if word in rows]
        if not known:
            raise InputError(f"{where}: has none of the {len(symbols):,} words of the text")
        width, theirs = self.weight.shape[1], found.vectors.shape[1]
        if theirs != width:
            raise InputError(f"{where}: has vectors of {theirs} numbers, and the model's have {width}")
        places = torch.tensor(known)
        self.weight[places[:, 0]] = found.vectors[places[:, 1]].to(self.weight)
        return len({row for row, _ in known})


def read_source(source: str, wanted: Collection[str] | None = None) -> Vectors:
    """Reads the vectors of a run, those of its best checkpoint, or of a file.

    Args:
        source: The run's folder, or the file.
        wanted: Words that are needed; all if not given.

    Raises:
        InputError: There are none.
    """
    path = from_home(source)
    if not path.is_dir():
        return read_vectors(path, wanted)
    saved = read_saved(path)
    file = checkpoint_in(path)
    if file is None:
        raise InputError(f"{path}: no run of word vectors (it has no checkpoint)")
    content = load_checkpoint(file)
    try:
        weights, settings = content["state_dict"], content["hyper_parameters"]
        vectors = _whole_words(weights["embedding.weight"], saved["symbols"], settings)
        return Vectors(saved["symbols"], vectors + weights["context.weight"] if settings["add_outputs"] else vectors)
    except Exception as error:  # in whatever way other content of a checkpoint does not fit
        raise InputError(f"{path}: no run of word vectors ({type(error).__name__} in {file.name})") from error


def _whole_words(table: Tensor, words: Sequence[str], settings: dict[str, Any]) -> Tensor:
    """Returns the vectors of words [V, D], which are sums of rows if groups of characters have some."""
    if not settings["ngrams"]:
        return table[: len(words)]
    parts = WordParts(words, *settings["ngrams"], settings["ngram_buckets"])
    return parts.vectors(table, torch.arange(len(words)))
