"""Settings of how texts become symbols."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from core.errors import InputError
from core.ranges import check_choice, check_range
from datamodules.text.special_symbols import DOCUMENT_SYMBOLS

Tokenizer = Literal["char", "word", "letters", "jieba", "subword"]

LARGEST_NGRAM = 5


@dataclass(frozen=True)
class Encoding:
    """Tokenization, n-grams and vocabulary.

    Attributes:
        tokenizer: `char` for characters, `word` for words and single punctuation marks, `letters` for runs of
            letters, which digits and marks part, apostrophes too, in markup as well (as in some published data sets),
            `jieba` for Chinese words, `subword` for a trained vocabulary of pieces of words (byte-pair encoding:
            Sennrich et al., 2016).
        lowercase: Whether texts are converted to lower case.
        punctuation: Whether punctuation marks are tokens; `char` and `subword` always keep them, `letters` never.
        ngrams: Largest n of the n-grams that are symbols, after the tokens themselves; 1 for tokens only.
        unique: Whether each symbol is used only once per document.
        buckets: Number of hash buckets for all n-grams, instead of a vocabulary; 0 for a vocabulary.
        min_count: Least number of occurrences of a symbol in the training texts (with `unique`, of texts with it).
        max_size: Largest size of the vocabulary; no limit if not given.
        max_length: Most tokens of a document; longer ones are truncated. 100,000 if not given.
        keep: Which tokens a truncated document keeps: its `head` or its `tail`.
        fill: Whether shorter documents begin with as much padding as fills them up to `max_length`, which is then read
            like any symbol, as in some published experiments.
        whole: Whether the vocabulary is built from all texts, those of validation and test too, as in some published
            experiments.
    """

    tokenizer: Tokenizer = "word"
    lowercase: bool = True
    punctuation: bool = True
    ngrams: int = 1
    unique: bool = False
    buckets: int = 0
    min_count: int = 1
    max_size: int | None = None
    max_length: int | None = None
    keep: Literal["head", "tail"] = "head"
    fill: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        """Checks ranges.

        Raises:
            InputError: A number is out of range, a name is unknown, a subword vocabulary has no size, or documents
                cannot be filled up.
        """
        check_choice("data.encoding.tokenizer", self.tokenizer, get_args(Tokenizer))
        if self.keep not in ("head", "tail"):
            raise InputError(f"data.encoding.keep is {self.keep}: head or tail is needed")
        check_range("data.encoding.ngrams", self.ngrams, 1, LARGEST_NGRAM)
        check_range("data.encoding.buckets", self.buckets)
        check_range("data.encoding.min_count", self.min_count, 1)
        if self.max_length is not None:
            check_range("data.encoding.max_length", self.max_length, 1)
        if self.max_size is not None:
            check_range("data.encoding.max_size", self.max_size, len(DOCUMENT_SYMBOLS), above=True)
        if self.tokenizer == "subword" and self.max_size is None:
            raise InputError("data.encoding.max_size: a subword vocabulary needs a size, for example 8000")
        if self.fill and (self.max_length is None or self.ngrams > 1 or self.unique):
            raise InputError("data.encoding.fill: needs a max_length, and ngrams 1 without unique")

    def content(self) -> dict[str, Any]:
        """Returns the settings as plain data; those that earlier releases lack only where they change something.

        A run's vocabulary, which has these, is compared with that of its checkpoint.
        """
        return {name: value for name, value in asdict(self).items() if value or name not in ("fill", "whole")}


def check_given(given: Any, saved: Any, where: object) -> None:
    """Checks that an encoding that is given beside a saved vocabulary is that of the vocabulary, or states nothing.

    Args:
        given: The encoding, a dataclass.
        saved: That of the vocabulary, of the same class.
        where: What the vocabulary was read from.

    Raises:
        InputError: A field is neither as saved nor at its default, so that it would be ignored.
    """
    for field in fields(given):
        value, kept = getattr(given, field.name), getattr(saved, field.name)
        if value not in (kept, field.default):
            raise differs(f"encoding.{field.name}", value, kept, where)


def differs(name: str, value: object, saved: object, where: object) -> InputError:
    """Returns the error of a setting of data that differs from that of a saved vocabulary."""
    now, there = (json.dumps(part).strip('"') for part in (value, saved))  # as YAML writes them, too
    return InputError(f"data.{name} is {now}: {where} has {there}; give that, or leave the vocabulary out")
