"""Vocabulary: symbols by number, and its file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.files.atomic_files import write_atomically
from core.files.home import from_home
from core.files.input_files import check_regular
from core.files.plain_json import load_json
from core.terminal.printable import first_of
from datamodules.text.special_symbols import DOCUMENT_SYMBOLS, PADDING, SPECIAL_SYMBOLS, UNKNOWN

MOST = 2**62  # occurrences of a word
NAMED = 10  # most symbols that an error names


def shown_symbol(symbol: str) -> str:
    """Returns a symbol as people read it: one that stands for no text has a name, such as `<unknown>`."""
    if len(symbol) < 2 or not symbol.startswith("\x00"):
        return symbol
    return "<padding>" if symbol == SPECIAL_SYMBOLS[PADDING] else f"<{symbol[1:]}>"


def shown_symbols(symbols: Sequence[str], numbers: Iterable[int]) -> dict[int, str]:
    """Returns those of some numbers that have a symbol, with it as people read it."""
    return {number: shown_symbol(symbols[number]) for number in numbers if number < len(symbols)}


class Vocabulary:
    """Symbols by number.

    Args:
        symbols: All symbols, in order.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        self._unknown = self._numbers.get(SPECIAL_SYMBOLS[UNKNOWN])

    @classmethod
    def of_documents(cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """Makes a vocabulary of padding, unknown, and the frequent symbols, the most frequent first.

        Args:
            counts: Number of occurrences of each symbol.
            min_count: Least number of occurrences.
            max_size: Largest size, padding and unknown included; no limit if not given.
        """
        most = None if max_size is None else max(0, max_size - len(DOCUMENT_SYMBOLS))
        return cls([*DOCUMENT_SYMBOLS, *frequent(counts, min_count, most)])

    def __len__(self) -> int:
        """Number of symbols."""
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        """Returns whether a symbol is among them."""
        return symbol in self._numbers

    def __eq__(self, other: object) -> bool:
        """Returns whether symbols and order are equal."""
        return isinstance(other, Vocabulary) and self.symbols == other.symbols

    __hash__ = None

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """Returns the numbers of tokens; the number of the unknown symbol for tokens that are not in the vocabulary.

        Raises:
            InputError: A token is not in a vocabulary without an unknown symbol.
        """
        numbers, unknown = self._numbers, self._unknown
        if unknown is not None:
            return [numbers.get(token, unknown) for token in tokens]
        tokens = list(tokens)
        if absent := dict.fromkeys(token for token in tokens if token not in numbers):
            named = first_of(absent, NAMED, " ", repr)
            raise InputError(f"{named}: not among the {len(self):,} characters that the network was trained with")
        return [numbers[token] for token in tokens]

    def encode(self, text: str) -> Tensor:
        """Returns the numbers of a text's characters, [N], in the smallest suitable integer type.

        Raises:
            InputError: A character is not in the vocabulary.
        """
        points = torch.frombuffer(bytearray(text.encode("utf-32-le")), dtype=torch.int32)
        kinds, places = points.unique(return_inverse=True)
        numbers = torch.tensor(self.ids([chr(point) for point in kinds.tolist()]))
        return numbers.to(torch.uint8 if len(self) <= 256 else torch.int32)[places]

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Reads a saved vocabulary, from its file or from a run's folder.

        Raises:
            InputError: It is missing or no vocabulary.
        """
        return cls(read_saved(path)["symbols"])


def restored(content: Mapping[str, Any], first: Sequence[str], called: str) -> tuple[Vocabulary, bool]:
    """Returns an encoder's vocabulary from its plain data, and whether it keeps combining marks with their letters.

    Args:
        content: The data.
        first: The special symbols with which the vocabulary begins.
        called: What they are called.

    Raises:
        KeyError: The data lacks symbols, or these special ones.
    """
    vocabulary = Vocabulary(content["symbols"])
    if vocabulary.symbols[: len(first)] != first:
        raise KeyError(called)
    return vocabulary, content.get("marks", False)


def frequent(counts: Mapping[str, int], min_count: int, most: int | None = None) -> list[str]:
    """Returns the frequent symbols, the most frequent first, and those that are as frequent by the alphabet.

    Args:
        counts: Number of occurrences of each symbol.
        min_count: Least number of occurrences.
        most: Largest number of symbols; no limit if not given.
    """
    kept = sorted(symbol for symbol, count in counts.items() if count >= min_count)
    kept.sort(key=counts.__getitem__, reverse=True)  # stable: ties stay in order; pairs would need twice the memory
    return kept[:most]


def write_saved(path: Path, content: dict) -> None:
    """Writes the content of a vocabulary file, as JSON."""
    write_atomically(path, json.dumps(content, ensure_ascii=False) + "\n")


def read_saved(path: Path) -> dict:
    """Reads the content of a vocabulary file, given the file or a run's folder.

    Raises:
        InputError: It is missing or no vocabulary.
    """
    path = from_home(path)
    file = path / "vocabulary.json" if path.is_dir() else path
    check_regular(file)
    try:
        content = load_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--data.vocabulary {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # invalid JSON or UTF-8
        raise InputError(f"--data.vocabulary {file}: no vocabulary ({error})") from error
    symbols = content.get("symbols") if isinstance(content, dict) else None
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists no symbols)")
    names, counts = content.get("class_names", []), content.get("counts", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (its names of classes are none)")
    if not isinstance(counts, list) or not all(type(count) is int and 0 <= count < MOST for count in counts):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it counts words by what is no number)")
    if len(set(symbols)) < len(symbols):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists a symbol twice)")
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can escape and UTF-8 cannot encode
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists half a surrogate pair)") from error
    return content


def to_bytes(content: dict) -> Tensor:
    """Encodes plain data as JSON in a tensor, uint8 [N]."""
    return torch.frombuffer(bytearray(json.dumps(content, ensure_ascii=False).encode()), dtype=torch.uint8)


def from_bytes(state: Tensor) -> dict:
    """Decodes the result of `to_bytes`."""
    return json.loads(state.cpu().numpy().tobytes())


def learned_vocabulary(checkpoint: Mapping[Any, Any]) -> dict | None:
    """Returns the content of the vocabulary that a network was trained with, by its checkpoint; None if it has none."""
    for part in checkpoint.values():
        state = part.get("vocabulary") if isinstance(part, Mapping) else None
        if not isinstance(state, Tensor) or state.dtype != torch.uint8 or state.device.type != "cpu":
            continue
        try:
            content = load_json(state.numpy().tobytes())
        except ValueError:  # what another program keeps under this name
            continue
        if isinstance(content, dict) and isinstance(content.get("symbols"), list):
            return content
    return None
