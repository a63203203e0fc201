"""Encoding of texts: tokens, n-grams, and a vocabulary that is built from the training texts."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from core.code.installed import installs
from core.errors import InputError
from datamodules.text.encoding import Encoding, check_given
from datamodules.text.special_symbols import DOCUMENT_SYMBOLS, PADDING, SPECIAL_SYMBOLS, UNKNOWN
from datamodules.text.subwords import read_subwords, train_subwords
from datamodules.text.vocabulary import Vocabulary, restored, shown_symbols
from datamodules.text.words import Words

MARKUP = re.compile(r"<br\s*/?>", re.IGNORECASE)
WORD = Words(r"RUN(?:['’]RUN)*")  # noqa: RUF001
WORD_OR_MARK = Words(r"RUN(?:['’]RUN)*|[^\w\s]")  # noqa: RUF001
LETTERS = Words("RUN", letter=r"[^\W\d_]")
LONGEST = 100_000  # tokens of a document for which no other length is given: a book, or a file that is none


class Encoder:
    """Converts texts to numbers of symbols; 0 is padding, 1 an unknown symbol.

    Args:
        encoding: Settings.

    Attributes:
        combining_marks: Whether words go on over combining marks.
        documents_empty: Number of encoded texts without tokens, since `reset_counts`.
        documents_truncated: Number of encoded texts that were longer than `longest`.
    """

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.combining_marks = True
        self.reset_counts()
        self.vocabulary = Vocabulary(DOCUMENT_SYMBOLS)
        self._subwords: Any = None
        self._segment: Callable[[str], list[str]] | None = None

    def reset_counts(self) -> None:
        """Resets the counts of empty and truncated documents to 0."""
        self.documents_empty = 0
        self.documents_truncated = 0

    @property
    def longest(self) -> int:
        """Most tokens of a document."""
        return LONGEST if self.encoding.max_length is None else self.encoding.max_length

    @property
    def vocab_size(self) -> int:
        """Number of symbols, padding and unknown included."""
        return self.encoding.buckets + len(DOCUMENT_SYMBOLS) if self.encoding.buckets else len(self.vocabulary)

    def fit(self, texts: Sequence[str]) -> None:
        """Builds the vocabulary from the training texts."""
        encoding = self.encoding
        # in lower case, which can give a letter a mark
        prepared = (_preprocessed(text, encoding) for text in texts if not text.isascii())
        self.combining_marks = self._words is not None and self._words.any_combining_marks(prepared)
        if encoding.tokenizer == "subword":
            prepared = [_preprocessed(text, encoding) for text in texts]
            unknown = SPECIAL_SYMBOLS[UNKNOWN]
            self._subwords = train_subwords(prepared, encoding.max_size, [unknown], unknown, spaces=False)
        if encoding.buckets:
            return
        known: dict[str, str] = {}  # one string per word instead of one per occurrence, to save memory
        documents = [[known.setdefault(token, token) for token in self.tokens(text)] for text in texts]
        counts: Counter[str] = Counter()
        for n in range(1, encoding.ngrams + 1):
            level: Counter[str] = Counter()
            for tokens in documents:
                grams = self._ngrams(tokens, n)
                if n > 1 and encoding.min_count > 1:
                    # The parts of a frequent n-gram are frequent; skipping all others saves memory.
                    parts = self._ngrams(tokens, n - 1)
                    frequent = [part in counts for part in parts]
                    grams = [gram for gram, (a, b) in zip(grams, pairwise(frequent), strict=True) if a and b]
                level.update(set(grams) if encoding.unique else grams)
            counts.update({gram: count for gram, count in level.items() if count >= encoding.min_count})
        self.vocabulary = Vocabulary.of_documents(counts, encoding.min_count, encoding.max_size)

    def encode(self, text: str) -> list[int]:
        """Returns the numbers of a text's symbols; one unknown symbol for an empty text."""
        encoding = self.encoding
        tokens = self.tokens(text)
        self.documents_empty += not tokens
        if len(tokens) > self.longest:
            self.documents_truncated += 1
            tokens = tokens[: self.longest] if encoding.keep == "head" else tokens[-self.longest :]
        symbols = self._symbols(tokens)
        numbers = self._hashed(symbols) if encoding.buckets else self.vocabulary.ids(symbols)
        if encoding.unique:
            numbers = list(dict.fromkeys(numbers))
        numbers = numbers or [UNKNOWN]
        return [PADDING] * (self.longest - len(numbers)) + numbers if encoding.fill else numbers

    def shown_symbols(self, text: str, numbers: Iterable[int]) -> dict[int, str]:
        """Returns the symbols of a text by their numbers, as people read them.

        Of buckets, which have no names, it is what this text has in each, side by side.
        """
        names = shown_symbols(self.vocabulary.symbols, numbers)
        if not self.encoding.buckets:
            return names
        found: dict[int, list[str]] = {}
        symbols = list(dict.fromkeys(self._symbols(self.tokens(text))))
        for number, symbol in zip(self._hashed(symbols), symbols, strict=True):
            found.setdefault(number, []).append(symbol)
        return names | {number: " | ".join(several) for number, several in found.items()}

    def _symbols(self, tokens: list[str]) -> Sequence[str]:
        """Returns the tokens, and all n-grams of them that are symbols."""
        if self.encoding.ngrams == 1:
            return tokens
        return [gram for n in range(1, self.encoding.ngrams + 1) for gram in self._ngrams(tokens, n)]

    def _hashed(self, symbols: Iterable[str]) -> list[int]:
        """Returns the number of each symbol's bucket."""
        return [zlib.crc32(symbol.encode()) % self.encoding.buckets + len(DOCUMENT_SYMBOLS) for symbol in symbols]

    def tokens(self, text: str) -> list[str]:
        """Returns the tokens of a text."""
        encoding = self.encoding
        text = _preprocessed(text, encoding)
        if encoding.tokenizer == "char":
            return [character for character in text if not character.isspace()]
        if self._words is not None:
            return self._words.findall(text, self.combining_marks)
        if encoding.tokenizer == "jieba":
            if self._segment is None:
                self._segment = _jieba()
            words = (word.strip() for word in self._segment(text))
            return [word for word in words if word and (encoding.punctuation or WORD.match(word))]
        return self._subwords.encode(text).tokens

    @property
    def _words(self) -> Words | None:
        """The pattern by which texts are divided, if they are by one."""
        if self.encoding.tokenizer == "word":
            return WORD_OR_MARK if self.encoding.punctuation else WORD
        return LETTERS if self.encoding.tokenizer == "letters" else None

    def _ngrams(self, tokens: Sequence[str], n: int) -> Sequence[str]:
        """Returns all n-grams, joined to strings."""
        if n == 1:
            return tokens
        between = "" if self.encoding.tokenizer == "char" else " "
        return [between.join(group) for group in zip(*(tokens[start:] for start in range(n)), strict=False)]

    def content(self) -> dict[str, Any]:
        """Returns settings and vocabulary as plain data, to restore the encoder."""
        content: dict[str, Any] = {"encoding": self.encoding.content(), "symbols": self.vocabulary.symbols}
        if self._subwords is not None:
            content["subwords"] = self._subwords.to_str()
        return content | {"marks": True} if self.combining_marks else content

    @classmethod
    def from_content(
        cls, content: dict[str, Any], where: object = "vocabulary", given: Encoding | None = None
    ) -> "Encoder":
        """Makes an encoder from the result of `content`.

        Args:
            content: The content.
            where: What it was read from, for messages.
            given: Settings that are given beside it, if there are any.

        Raises:
            InputError: The content is not that of an encoder, or was made with other settings than those given.
        """
        try:
            encoder = cls(Encoding(**content["encoding"]))
            encoder.vocabulary, encoder.combining_marks = restored(content, DOCUMENT_SYMBOLS, "padding and unknown")
            if encoder.encoding.tokenizer == "subword":
                encoder._subwords = read_subwords(content["subwords"], where)
        except (KeyError, TypeError) as error:
            raise InputError(f"{where}: holds no vocabulary of documents ({error})") from error
        check_given(given or encoder.encoding, encoder.encoding, where)
        return encoder


def _preprocessed(text: str, encoding: Encoding) -> str:
    text = text.replace("\x00", " ")  # the names of padding and unknown start with it
    if encoding.lowercase:
        text = text.lower()
    return text if encoding.tokenizer in ("char", "letters") else MARKUP.sub(" ", text)


def _jieba() -> Callable[[str], list[str]]:
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in its source
            import jieba
    except ImportError as error:
        raise InputError(f"data.encoding.tokenizer: this tokenizer needs jieba; {installs('text')}") from error
    import logging

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = _dictionary(jieba.Tokenizer)
    tokenizer.initialized = True
    return tokenizer.lcut


@cache
def _dictionary(tokenizer: type) -> tuple[dict[str, int], int]:
    """Reads jieba's dictionary, which takes a second, once a process.

    By itself jieba caches it as a marshal file in a folder that is writable by others.
    """
    reader = tokenizer()
    return reader.gen_pfdict(reader.get_dict_file())
