"""The symbols that a network knows, by their numbers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core.atomic_files import write_atomically
from core.errors import InputError

UNKNOWN = 1  # of documents, behind padding; their names cannot be met in a text, of which NUL counts as a space
SPECIAL = ("\x00pad", "\x00unknown")
NAMED = 10  # symbols that an error names


class Vocabulary:
    """Symbols by number.

    Args:
        symbols: All of them, in order.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        self._unknown = self._numbers.get(SPECIAL[UNKNOWN])

    @classmethod
    def of_documents(cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """Makes a vocabulary of padding, unknown, and the symbols that occur often enough, the most frequent first.

        Args:
            counts: How often each symbol occurs.
            min_count: Least number of times.
            max_size: Most symbols, padding and unknown included; no limit if not given.
        """
        kept = sorted(symbol for symbol, count in counts.items() if count >= min_count)
        kept.sort(key=counts.__getitem__, reverse=True)  # keeps the order of names; pairs would take twice the memory
        return cls([*SPECIAL, *kept[: None if max_size is None else max(0, max_size - len(SPECIAL))]])

    def __len__(self) -> int:
        """Number of symbols."""
        return len(self.symbols)

    def __eq__(self, other: object) -> bool:
        """Says whether symbols and order are the same."""
        return isinstance(other, Vocabulary) and self.symbols == other.symbols

    __hash__ = None

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """Returns the numbers of tokens; those that are not known become the unknown one, where there is one.

        Raises:
            InputError: There is none.
        """
        numbers, unknown = self._numbers, self._unknown
        if unknown is not None:
            return [numbers.get(token, unknown) for token in tokens]
        tokens = list(tokens)
        if absent := dict.fromkeys(token for token in tokens if token not in numbers):
            named = " ".join(repr(token) for token in list(absent)[:NAMED])
            more = f" and {len(absent) - NAMED:,} more" if len(absent) > NAMED else ""
            raise InputError(f"{named}{more}: not among the {len(self):,} characters that the network has learned")
        return [numbers[token] for token in tokens]

    def save(self, path: Path) -> None:
        """Writes the symbols as JSON."""
        write_saved(path, {"symbols": self.symbols})

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Reads what was saved, from the file or the run's folder that holds it.

        Raises:
            InputError: There is none.
        """
        return cls(read_saved(path)["symbols"])


def write_saved(path: Path, content: dict) -> None:
    """Writes a vocabulary, and what belongs to it, as JSON."""
    write_atomically(path, json.dumps(content, ensure_ascii=False) + "\n")


def read_saved(path: Path) -> dict:
    """Reads a vocabulary's JSON, from its file or the run's folder that holds it.

    Raises:
        InputError: There is none.
    """
    path = path.expanduser()
    file = path / "vocabulary.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--data.vocabulary {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # of JSON and of UTF-8
        raise InputError(f"--data.vocabulary {file}: no vocabulary ({error})") from error
    symbols = content.get("symbols") if isinstance(content, dict) else None
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists no symbols)")
    if len(set(symbols)) < len(symbols):
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists a symbol twice)")
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # half a character, which JSON can escape and UTF-8 cannot hold
        raise InputError(f"--data.vocabulary {file}: no vocabulary (it lists half a character)") from error
    return content


def to_bytes(content: dict) -> Tensor:
    """Returns JSON as uint8 [N]."""
    return torch.frombuffer(bytearray(json.dumps(content, ensure_ascii=False).encode()), dtype=torch.uint8)


def from_bytes(state: Tensor) -> dict:
    """Returns what `to_bytes` was given."""
    return json.loads(state.cpu().numpy().tobytes())
