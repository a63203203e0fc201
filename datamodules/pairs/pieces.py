"""Symbols of sentences: trained subwords, words or characters; known ones together restore a sentence exactly."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import InputError
from core.ranges import check_choice, check_range
from datamodules.text.special_symbols import END, SPECIAL_SYMBOLS, UNKNOWN
from datamodules.text.subwords import read_subwords, train_subwords
from datamodules.text.vocabulary import Vocabulary, frequent, restored
from datamodules.text.words import Words

Tokenizer = Literal["subword", "word", "char"]

UNKNOWN_AS = "\u2047"  # how an unknown symbol is written: two question marks in one
WORD = Words(r" ?RUN(?:['’]RUN)*| ?[^\w\s]|\s")  # noqa: RUF001


@dataclass(frozen=True)
class PairEncoding:
    """How sentences of two languages are divided into symbols.

    Attributes:
        tokenizer: `subword` for a trained vocabulary of pieces of words, `word` for words and single punctuation marks,
            `char` for characters.
        size: Largest vocabulary, the four special symbols included; needed for subwords, else no limit if not given.
        joint: Whether both languages have one vocabulary, learned from both, which lets a network share embeddings.
        lowercase: Whether sentences are converted to lower case.
        min_count: Least number of occurrences of a word or character in the training sentences.

    Raises:
        InputError: A number is out of range, a name is unknown, or a subword vocabulary has no size.
    """

    tokenizer: Tokenizer = "subword"
    size: int | None = 8000
    joint: bool = True
    lowercase: bool = False
    min_count: int = 1

    def __post_init__(self) -> None:
        check_choice("data.encoding.tokenizer", self.tokenizer, get_args(Tokenizer))
        if self.size is not None:
            check_range("data.encoding.size", self.size, len(SPECIAL_SYMBOLS), above=True)
        check_range("data.encoding.min_count", self.min_count, 1)
        if self.tokenizer == "subword" and self.size is None:
            raise InputError("data.encoding.size: a subword vocabulary needs a size, for example 8000")


class PieceEncoder:
    """Converts sentences to numbers of symbols and back; 0 is padding, 1 unknown, 2 begins and 3 ends a sentence.

    Args:
        encoding: Settings.
    """

    def __init__(self, encoding: PairEncoding) -> None:
        self.encoding = encoding
        self.vocabulary = Vocabulary(SPECIAL_SYMBOLS)
        self._combining_marks = True  # whether words go on over them
        self._subwords: Any = None

    def __len__(self) -> int:
        """Number of symbols, the special ones included."""
        return len(self.vocabulary)

    def fit(self, sentences: Sequence[str]) -> None:
        """Builds the vocabulary from training sentences."""
        encoding = self.encoding
        if encoding.tokenizer == "subword":
            prepared = [self._prepared(sentence) for sentence in sentences]
            self._subwords = train_subwords(prepared, encoding.size, SPECIAL_SYMBOLS, SPECIAL_SYMBOLS[UNKNOWN])
            self.vocabulary = Vocabulary(self._subwords.id_to_token(n) for n in range(self._subwords.get_vocab_size()))
            return
        counts = Counter(piece for sentence in sentences for piece in self._divided(self._prepared(sentence)))
        self._combining_marks = encoding.tokenizer == "word" and WORD.any_combining_marks(counts)
        most = None if encoding.size is None else encoding.size - len(SPECIAL_SYMBOLS)
        self.vocabulary = Vocabulary([*SPECIAL_SYMBOLS, *frequent(counts, encoding.min_count, most)])

    def encode(self, sentences: Sequence[str]) -> list[list[int]]:
        """Returns the numbers of each sentence's symbols, without the special ones for beginning and end."""
        prepared = [self._prepared(sentence) for sentence in sentences]
        if self._subwords is not None:
            return [encoded.ids for encoded in self._subwords.encode_batch(prepared)]
        return [self.vocabulary.ids(self._divided(sentence)) for sentence in prepared]

    def pieces(self, numbers: Iterable[int]) -> list[str]:
        """Returns the symbols of a sentence; see `written_symbols`."""
        return written_symbols(numbers, self.vocabulary)

    def decode(self, numbers: Iterable[int]) -> str:
        """Returns the sentence of numbers of symbols, up to its end."""
        text = "".join(self.pieces(numbers))
        return text if self.encoding.tokenizer == "char" else text.removeprefix(" ")

    def _prepared(self, sentence: str) -> str:
        """Returns a sentence as it is divided: behind a space, so that its first word is like any other."""
        sentence = sentence.replace("\x00", " ")  # the names of special symbols start with it
        if self.encoding.lowercase:
            sentence = sentence.lower()
        return sentence if self.encoding.tokenizer == "char" else f" {sentence}"

    def _divided(self, prepared: str) -> list[str]:
        return list(prepared) if self.encoding.tokenizer == "char" else WORD.findall(prepared, self._combining_marks)

    def content(self) -> dict[str, Any]:
        """Returns the vocabulary as plain data, to restore the encoder."""
        content: dict[str, Any] = {"symbols": self.vocabulary.symbols}
        if self._subwords is not None:
            return content | {"subwords": self._subwords.to_str()}
        return content | {"marks": True} if self._combining_marks else content

    @classmethod
    def from_content(cls, encoding: PairEncoding, content: dict[str, Any], where: object) -> "PieceEncoder":
        """Makes an encoder from the result of `content`.

        Raises:
            InputError: The content is not that of an encoder.
        """
        encoder = cls(encoding)
        try:
            encoder.vocabulary, encoder._combining_marks = restored(content, SPECIAL_SYMBOLS, "special symbols")
            if encoding.tokenizer == "subword":
                encoder._subwords = read_subwords(content["subwords"], where)
        except (KeyError, TypeError) as error:
            raise InputError(f"{where}: holds no vocabulary of sentences ({error})") from error
        return encoder


def written_symbols(numbers: Iterable[int], vocabulary: Vocabulary) -> list[str]:
    """Returns symbols by their numbers, up to the end and without special ones; see `UNKNOWN_AS`."""
    symbols = []
    for number in numbers:
        if number == END:
            break
        if number >= len(SPECIAL_SYMBOLS):
            symbols.append(vocabulary.symbols[number])
        elif number == UNKNOWN:
            symbols.append(UNKNOWN_AS)
    return symbols
