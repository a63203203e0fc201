"""Word vectors in the files of word2vec, in text and in binary form, and in those of GloVe and fastText (`.vec`)."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.files.input_files import check_regular, read_file
from core.predictions import PredictionTable

TEXT, BINARY = (".txt", ".vec"), (".bin",)
DIGITS = 12  # most of a number in a first line
SHOWN = 6  # numbers of a vector that are printed


class Vectors(NamedTuple):
    """Words and their vectors.

    Attributes:
        words: The words.
        vectors: float32 [V, D].
    """

    words: list[str]
    vectors: Tensor


def as_text(words: Sequence[str], vectors: Tensor) -> bytes:
    """Returns vectors [V, D] in word2vec's text form."""
    lines = [f"{len(words)} {vectors.shape[1]}"]
    for word, row in zip(words, vectors.float().cpu().numpy(), strict=True):
        lines.append(" ".join([_in_a_file(word), *map(str, row.tolist())]))
    return ("\n".join(lines) + "\n").encode()


def as_binary(words: Sequence[str], vectors: Tensor) -> bytes:
    """Returns vectors [V, D] in word2vec's binary form."""
    parts = [f"{len(words)} {vectors.shape[1]}\n".encode()]
    for word, row in zip(words, vectors.float().cpu().numpy(), strict=True):
        parts += [_in_a_file(word).encode(), b" ", row.astype("<f4").tobytes(), b"\n"]
    return b"".join(parts)


def _in_a_file(word: str) -> str:
    """Returns a word without spaces, which separate words from numbers there."""
    return "_".join(word.split()) or "_"


def as_table(words: Sequence[str], vectors: Tensor) -> PredictionTable:
    """Returns vectors [V, D] as a table of predictions, which can be written in word2vec's forms, too."""
    numbers = [[f"{value:.6g}" for value in row] for row in vectors.tolist()]
    header = ("word", *(str(place) for place in range(vectors.shape[1])))
    forms = {ending: lambda: as_text(words, vectors) for ending in TEXT}
    forms |= {ending: lambda: as_binary(words, vectors) for ending in BINARY}
    rows = [(word, *row) for word, row in zip(words, numbers, strict=True)]
    return PredictionTable(header, rows, forms=forms, shown_columns=1 + SHOWN)


def is_vector_file(path: Path) -> bool:
    """Returns whether a file has a name of word vectors, and not torch's content: `.bin` is a usual ending of both."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(TEXT) or (name.endswith(BINARY) and not _is_torch_file(from_home(path)))


def _is_torch_file(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(2).startswith((b"PK", b"\x80"))  # a zip archive, or a pickle
    except OSError:
        return False


def read_vectors(path: Path, wanted: Collection[str] | None = None) -> Vectors:
    """Reads a file of word vectors; its name tells the form: `.bin`, or `.txt` and `.vec`, possibly with `.gz`.

    Args:
        path: The file.
        wanted: Words that are needed; all if not given.

    Raises:
        InputError: It is missing, or malformed.
    """
    check_regular(path)
    content = read_file(path)
    binary = path.name.lower().removesuffix(".gz").endswith(BINARY)
    wanted = wanted if wanted is None else set(wanted)
    try:
        with np.errstate(over="ignore"):  # of a number that is too large, which is told below
            words, rows = (_read_binary if binary else _read_text)(content, wanted)
        vectors = torch.from_numpy(np.stack(rows)) if rows else torch.empty(0, 0)
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: no file of word vectors ({error})") from error
    if not torch.isfinite(vectors).all():
        raise InputError(f"{path}: no file of word vectors (some numbers are not finite)")
    return Vectors(words, vectors)


def _read_text(content: bytes, wanted: set[str] | None) -> tuple[list[str], list[np.ndarray]]:
    lines = content.rstrip(b"\n").split(b"\n")
    head = lines[0].split()
    if len(head) == 2 and head[0].isdigit() and head[1].isdigit():
        (number, width), lines = _sizes(head), lines[1:]
        if number != len(lines):
            raise ValueError(f"{number:,} words are announced, and {len(lines):,} lines follow")
    else:  # as GloVe's, without a head
        width = len(head) - 1
    words, rows = [], []
    for place, line in enumerate(lines, 1):
        parts = line.rstrip().rsplit(b" ", width)
        if len(parts) != width + 1 or width < 1:
            raise ValueError(f"vector {place:,} has not {width:,} numbers behind a word")
        word = parts[0].decode("utf-8", "replace")
        if wanted is None or word in wanted:
            words.append(word)
            rows.append(np.array(parts[1:], dtype=np.float32))
    return words, rows


def _sizes(parts: list[bytes]) -> tuple[int, int]:
    """Returns the numbers of words and of numbers of each, in the first line of a file."""
    if any(len(part) > DIGITS for part in parts):
        raise ValueError("the first line has numbers that are far too large")
    number, width = (int(part) for part in parts)
    if number < 0 or width < 1:
        raise ValueError("the first line has not two numbers above 0")
    return number, width


def _read_binary(content: bytes, wanted: set[str] | None) -> tuple[list[str], list[np.ndarray]]:
    head, newline, _ = content[:100].partition(b"\n")
    if not newline or len(head.split()) != 2:
        raise ValueError("the first line has not two numbers")
    number, width = _sizes(head.split())
    words, rows, place = [], [], len(head) + 1
    for _ in range(number):
        end = content.index(b" ", place)
        word = content[place:end].lstrip(b"\n").decode("utf-8", "replace")
        place = end + 1 + 4 * width
        if place > len(content):
            raise ValueError("it ends within a vector")
        if wanted is None or word in wanted:
            words.append(word)
            rows.append(np.frombuffer(content, "<f4", width, end + 1).astype(np.float32))
    return words, rows
