"""Encoding of sentences and their translations: one vocabulary for both languages, or one for each."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.errors import InputError
from datamodules.pairs.pieces import PairEncoding, PieceEncoder
from datamodules.text.encoding import check_given, differs
from datamodules.text.special_symbols import END

APART = "\x00translation "  # before symbols of the second vocabulary, where all are listed together


class PairEncoder:
    """Converts sentences and translations to numbers of symbols.

    Args:
        encoding: Settings.
        reverse_source: Whether sentences are read from the last symbol to the first.

    Attributes:
        source: Encoder of the sentences.
        target: Encoder of the translations; the same object if the vocabulary is joint.
    """

    def __init__(self, encoding: PairEncoding, reverse_source: bool = False) -> None:
        self.encoding = encoding
        self.reverse_source = reverse_source
        self.source = PieceEncoder(encoding)
        self.target = self.source if encoding.joint else PieceEncoder(encoding)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, each different from all others."""
        source, target = self.source.vocabulary.symbols, self.target.vocabulary.symbols
        return source if self.encoding.joint else (*source, *(f"{APART}{symbol}" for symbol in target))

    def fitted(self, sources: Sequence[str], targets: Sequence[str]) -> "PairEncoder":
        """Returns another encoder of the same settings, with the vocabulary of training pairs."""
        made = PairEncoder(self.encoding, self.reverse_source)
        if self.encoding.joint:
            made.source.fit([*sources, *targets])
        else:
            made.source.fit(sources)
            made.target.fit(targets)
        return made

    def encode_sources(self, sentences: Sequence[str]) -> list[list[int]]:
        """Returns the symbols of sentences in the order they are read; the mark of the end for an empty one."""
        encoded = self.source.encode(sentences)
        return [(numbers[::-1] if self.reverse_source else numbers) or [END] for numbers in encoded]

    def encode_targets(self, sentences: Sequence[str]) -> list[list[int]]:
        """Returns the symbols of translations, each with the mark of its end."""
        return [[*numbers, END] for numbers in self.target.encode(sentences)]

    def content(self) -> dict[str, Any]:
        """Returns settings and vocabularies as plain data, to restore the encoder."""
        encoders = [self.source] if self.encoding.joint else [self.source, self.target]
        return {
            "encoding": asdict(self.encoding),
            "reverse_source": self.reverse_source,
            "symbols": self.symbols,
            "languages": [encoder.content() for encoder in encoders],
        }

    @classmethod
    def from_content(
        cls,
        content: dict[str, Any],
        where: object,
        given: PairEncoding | None = None,
        reverse_source: bool = False,
    ) -> "PairEncoder":
        """Makes an encoder from the result of `content`.

        Args:
            content: The content.
            where: What it was read from, for messages.
            given: Settings that are given beside it, if there are any.
            reverse_source: Whether it is asked for beside it that sentences are read from the last symbol on.

        Raises:
            InputError: The content is not that of an encoder of pairs, or was made with other settings than given.
        """
        try:
            encoder = cls(PairEncoding(**content["encoding"]), content["reverse_source"])
            encoders = [PieceEncoder.from_content(encoder.encoding, part, where) for part in content["languages"]]
            encoder.source, encoder.target = encoders[0], encoders[-1]
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f"{where}: holds no vocabulary of sentences and translations ({error})") from error
        check_given(given or encoder.encoding, encoder.encoding, where)
        if reverse_source and not encoder.reverse_source:
            raise differs("reverse_source", reverse_source, encoder.reverse_source, where)
        return encoder
