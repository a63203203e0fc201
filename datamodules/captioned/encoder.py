"""Encoding of captions: their words, a vocabulary of the training captions, and padded numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from core.errors import InputError
from core.ranges import check_choice, check_range
from datamodules.pairs.pieces import written_symbols
from datamodules.text.encoding import check_given
from datamodules.text.special_symbols import END, SPECIAL_SYMBOLS
from datamodules.text.vocabulary import Vocabulary, frequent, restored
from datamodules.text.words import Words

Tokenizer = Literal["words", "spaces"]
WORD = Words(r"RUN(?:['’]RUN)*")  # noqa: RUF001
STOP = "."


def words_of(caption: str) -> list[str]:
    """Returns the words of a caption in lower case, without punctuation; captions are scored by these."""
    return WORD.findall(caption.lower())


@dataclass(frozen=True)
class CaptionEncoding:
    """How captions are divided into symbols.

    Attributes:
        tokenizer: `words` for words without punctuation; `spaces` for what stands between spaces, a full stop being the
            mark of the end, as in some published experiments.
        lowercase: Whether captions are converted to lower case.
        min_count: Least number of occurrences of a word in the training captions.
        max_length: Most symbols of a caption; a longer one is cut, and has no mark of its end.

    Raises:
        InputError: A number is out of range, or a name is unknown.
    """

    tokenizer: Tokenizer = "words"
    lowercase: bool = True
    min_count: int = 5
    max_length: int = 30

    def __post_init__(self) -> None:
        check_choice("data.encoding.tokenizer", self.tokenizer, get_args(Tokenizer))
        check_range("data.encoding.min_count", self.min_count, 1)
        check_range("data.encoding.max_length", self.max_length, 1)


class CaptionEncoder:
    """Converts captions to numbers of symbols and back; 0 is padding, 1 unknown, 2 begins and 3 ends a caption.

    Args:
        encoding: Settings.
    """

    def __init__(self, encoding: CaptionEncoding) -> None:
        self.encoding = encoding
        self.vocabulary = Vocabulary(SPECIAL_SYMBOLS)
        self._combining_marks = True  # whether words go on over them

    def __len__(self) -> int:
        """Number of symbols, the special ones included."""
        return len(self.vocabulary)

    def fitted(self, captions: Iterable[str]) -> "CaptionEncoder":
        """Returns another encoder of the same settings, with the vocabulary of training captions."""
        made = CaptionEncoder(self.encoding)
        counts = Counter(word for caption in captions for word in made._divided(caption))
        del counts[SPECIAL_SYMBOLS[END]]
        made._combining_marks = self.encoding.tokenizer == "words" and WORD.any_combining_marks(counts)
        made.vocabulary = Vocabulary([*SPECIAL_SYMBOLS, *frequent(counts, self.encoding.min_count)])
        return made

    def encode(self, caption: str) -> list[int]:
        """Returns the numbers of a caption's symbols, and of its end unless it is cut."""
        numbers = self.vocabulary.ids(self._divided(caption))
        ending = [] if numbers[-1:] == [END] else [END]
        return [*numbers, *ending][: self.encoding.max_length]

    def encode_all(self, captions: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Encodes the captions of pictures.

        Args:
            captions: The captions of each picture.

        Returns:
            Symbols, padded with zeros, int32 [N, K, T], K being the most captions of a picture and T the most symbols
            of a caption; and the number of symbols of each, int32 [N, K], 0 where there is no caption.
        """
        encoded = [[self.encode(caption) for caption in several] for several in captions]
        most = max((len(several) for several in encoded), default=0)
        longest = max((len(numbers) for several in encoded for numbers in several), default=0)
        symbols = torch.zeros(len(encoded), most, longest, dtype=torch.int32)
        lengths = torch.zeros(len(encoded), most, dtype=torch.int32)
        for place, several in enumerate(encoded):
            lengths[place, : len(several)] = torch.tensor([len(numbers) for numbers in several])
            rows = [numbers + [0] * (longest - len(numbers)) for numbers in several]
            symbols[place, : len(several)] = torch.tensor(rows, dtype=torch.int32).view(len(several), longest)
        return symbols, lengths

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Returns the words of a caption; see `written_symbols`."""
        return written_symbols(numbers, self.vocabulary)

    def _divided(self, caption: str) -> list[str]:
        caption = caption.replace("\x00", " ")  # the names of special symbols start with it
        caption = caption.lower() if self.encoding.lowercase else caption
        if self.encoding.tokenizer == "words":
            return WORD.findall(caption, self._combining_marks)
        return [SPECIAL_SYMBOLS[END] if word == STOP else word for word in caption.split()]

    def content(self) -> dict[str, Any]:
        """Returns settings and vocabulary as plain data, to restore the encoder."""
        content = {"encoding": asdict(self.encoding), "symbols": self.vocabulary.symbols}
        return content | {"marks": True} if self._combining_marks else content

    @classmethod
    def from_content(
        cls, content: dict[str, Any], where: object, given: CaptionEncoding | None = None
    ) -> "CaptionEncoder":
        """Makes an encoder from the result of `content`.

        Args:
            content: The content.
            where: What it was read from, for messages.
            given: Settings that are given beside it, if there are any.

        Raises:
            InputError: The content is not that of an encoder of captions, or was made with other settings than given.
        """
        try:
            encoder = cls(CaptionEncoding(**content["encoding"]))
            encoder.vocabulary, encoder._combining_marks = restored(content, SPECIAL_SYMBOLS, "special symbols")
        except (KeyError, TypeError) as error:
            raise InputError(f"{where}: holds no vocabulary of captions ({error})") from error
        check_given(given or encoder.encoding, encoder.encoding, where)
        return encoder
