"""Tunes as a language: how they begin, by which rules they go on, how they are judged and shown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.media import Medium
from core.predictions import PredictionTable, excerpt
from core.protocols.passages import Passages
from core.protocols.writing import Write
from datamodules.text.language_data_module import LanguageDataModule
from datamodules.text.text_files import FileTexts, texts_of_lines, whole_texts
from datamodules.tunes.files import ABC, MIDI, read_collection
from datamodules.tunes.layout import laid_out
from datamodules.tunes.loader import Tunes
from datamodules.tunes.notation import NoTune, Tune
from datamodules.tunes.passages import passages_of_tunes
from datamodules.tunes.rendering import COLLECTION, OF_ONE, forms, shown
from datamodules.tunes.rules import Grammar, TuneRules
from datamodules.tunes.spelling import symbols_of
from datamodules.tunes.symbols import END, Symbols, as_learned, read_prime
from datamodules.tunes.written import WrittenTunes


class TuneLanguage(LanguageDataModule):
    """What a language model needs to know of tunes, however they are read and divided.

    Attributes:
        kind: What symbols are.
        bar_clock: Whether tunes are written with a bar clock.
        bar_marks: Whether a network is told with each symbol where in its bar it is.
        written: Number of tunes that are judged.
        tunes: Tunes of each part, once they have been read.
    """

    single_endings = OF_ONE
    kind: Symbols
    bar_clock: bool
    bar_marks: bool
    written: int
    tunes: dict[str, list[Tune]]
    splits: dict[str, Tunes]
    _tokens: Sequence[str] = ()  # all tokens of the training tunes
    _grammar: Grammar | None = None
    _written: WrittenTunes | None = None  # in the latest test

    def first_prime(self) -> str:
        """Returns the header of the first validation tune, or of the first training tune if there is none."""
        part = next(part for part in ("val", "train") if self.tunes[part])
        return "".join(as_learned(self.tunes[part][0], self.kind).header)

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns the endings of a table, and of tunes as text, notes, sheet and sound."""
        return (*super().prediction_endings(), COLLECTION, *OF_ONE)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of the beginnings and the tunes, which can also be written as ABC, MIDI, a sheet and sound.

        Args:
            names: The beginnings.
            outputs: Symbols after them, int64 [N, L].
        """
        begun = ("".join(read_prime(name, self.kind)) for name in names)
        texts = [begin + self.decode(symbols) for begin, symbols in zip(begun, outputs, strict=True)]
        tunes = [laid_out(text, number) for number, text in enumerate(texts, 1)]
        rows = list(zip(names, tunes, strict=True))
        return PredictionTable(("prime", "tune"), rows, "last_column", forms=forms(texts))

    def rules(self, primes: Tensor) -> TuneRules:
        """Returns what may be written after primes, int64 [B, T]."""
        return self._rules(primes, self.bar_clock)

    def _rules(self, primes: Tensor, bar_clock: bool) -> TuneRules:
        if self._grammar is None:
            symbols = self.symbols  # reads the tunes, if there is no vocabulary yet
            self._grammar = Grammar(symbols, self._tokens)
        return TuneRules(self._grammar, primes, bar_clock, self.bar_marks)

    def judge(self, write: Write, nats: float | None) -> dict[str, float]:
        """Lets a network write tunes, and returns what is measured of them, by measure.

        Args:
            write: Lets it write.
            nats: Sum of its losses of all test tunes; None where only some were read, of which no measure is made.
        """
        primes = torch.tensor([self.encode("")] * self.written)
        free, clocked = (
            [self.decode(tune) for tune in write(primes, self._rules(primes, clock))] for clock in (False, True)
        )
        self._written = WrittenTunes(free, clocked, self.tunes["train"], self.tunes["test"])
        of_all = {} if nats is None else {"note_loss": nats / int(self.splits["test"].notes.sum())}
        return of_all | self._written.values()

    def media_of_text(self, text: str, step: int) -> Iterator[Medium]:
        """Gives a tune as files."""
        yield from shown({"tunes/sample": text}, step)

    def media_of_texts(self, step: int) -> Iterator[Medium]:
        """Gives the figures of the tunes that were judged last, and the first of them as files."""
        yield from self._written.media(step)

    def encode(self, text: str) -> list[int]:
        """Returns the symbols of a tune's beginning, the end of the tune before it included.

        Raises:
            InputError: It is no beginning.
        """
        return symbols_of([END, *self._tokens_of(text)], self.vocabulary, self.kind)

    def _tokens_of(self, text: str) -> tuple[str, ...]:
        try:
            return read_prime(text, self.kind)
        except NoTune as reason:
            raise InputError(str(reason)) from reason

    def decode(self, symbols: Tensor) -> str:
        """Returns the text of symbols [N], up to the end of the tune."""
        words = [self.symbols[number] for number in symbols.tolist()]
        return "".join(words[: words.index(END)] if END in words else words)

    def passages(self, part: str, count: int, length: int) -> Passages:
        """Returns up to so many passages of the tunes of a part, which are strung together in their own keys."""
        return self._passages([as_learned(tune, self.kind).tokens for tune in self.tunes[part]], count, length)

    def passages_of(self, inputs: Sequence[str], count: int, length: int) -> Passages:
        """Returns passages of tunes that a user gives, each from its beginning on."""
        for given in inputs:
            if given.lower().endswith(ABC + MIDI) and not from_home(given).exists():
                raise InputError(f"--input {given}: no such file")
        return self._passages(list(map(self._given_tokens, whole_texts(inputs, self._file_texts))), count, length)

    def _given_tokens(self, text: str) -> tuple[str, ...]:
        try:
            return self._tokens_of(text)
        except InputError as reason:
            raise InputError(f"--input: {excerpt(text)!r}: {reason}") from reason

    def _file_texts(self, path: Path) -> FileTexts:
        """Returns the tunes of an ABC or MIDI file; of another its lines, each a tune."""
        if not path.name.lower().endswith(ABC + MIDI):
            return texts_of_lines(path)
        return FileTexts(["".join(as_learned(tune, self.kind).tokens) for tune in read_collection(path).tunes], [])

    def _passages(self, tunes: Sequence[Sequence[str]], count: int, length: int) -> Passages:
        return passages_of_tunes(tunes, self.vocabulary, self.kind, count, length, self.bar_marks)
