"""Files that word vectors are measured by: judged similarities of pairs of words, and analogies."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch

from core.errors import InputError
from datamodules.text.text_files import read_text
from datamodules.words.batches import AnalogyBatch, SimilarityBatch

FORMS = "a file of similarities has two words and a number in each line, one of analogies four words"


@dataclass(frozen=True)
class WordTest:
    """What a file asks, as far as the vocabulary covers it.

    Attributes:
        batch: The questions whose words are all known.
        total: Number of questions in the file.
    """

    batch: SimilarityBatch | AnalogyBatch
    total: int

    @property
    def name(self) -> str:
        """Name of the test."""
        return self.batch.name

    @property
    def covered(self) -> int:
        """Number of questions whose words are all known."""
        return len(self.batch.words)

    def describe(self) -> str:
        """Returns how much of the file is covered, in words."""
        what = "pairs" if isinstance(self.batch, SimilarityBatch) else "analogies"
        return f"{self.name}: {self.covered:,} of {self.total:,} {what} have all their words in the vocabulary"


@dataclass(frozen=True)
class WordTests:
    """The tests of one part; its length is the number of questions that are covered.

    Attributes:
        tests: The tests.
    """

    tests: list[WordTest]

    def __len__(self) -> int:
        """Number of questions."""
        return sum(test.covered for test in self.tests)


def read_tests(paths: Sequence[Path], numbers: Mapping[str, int], lowercase: bool) -> list[WordTest]:
    """Reads files of questions.

    Args:
        paths: The files.
        numbers: Number of each word of the vocabulary.
        lowercase: Whether the vocabulary is in lower case.

    Raises:
        InputError: A file cannot be read, has another form, asks nothing about words of the vocabulary, or has the name
            of another.
    """
    tests: dict[str, WordTest] = {}
    for path in paths:
        name = re.sub(r"[^\w-]+", "-", path.name.removesuffix(path.suffix).lower()).strip("-") or "file"
        if name in tests:
            raise InputError(f"{path}: another file is named {name}, too, and each needs a name of its own")
        tests[name] = read_test(path, name, numbers, lowercase)
    return list(tests.values())


def read_test(path: Path, name: str, numbers: Mapping[str, int], lowercase: bool) -> WordTest:
    """Reads a file of similarities or of analogies; see `read_tests`."""
    text = read_text(path)
    head = next((line for line in text.split("\n") if line.strip() and not line.startswith(":")), "")
    separator = "\t" if "\t" in head else "," if head.count(",") > 1 else None  # None: any number of spaces
    lines = (text.lower() if lowercase else text).split("\n")
    cells = ([cell.strip() for cell in line.split(separator)] for line in lines)
    rows = [(number, row) for number, row in enumerate(cells, 1) if any(row)]
    analogies = any(len(row) == 4 or row[0].startswith(":") for _, row in rows[:2])
    test = (_analogies if analogies else _similarities)(path, name, rows, numbers)
    if not test.covered:
        what = "analogies" if analogies else "pairs"
        raise InputError(
            f"{path}: none of its {test.total:,} {what} has all its words among the {len(numbers):,} known"
        )
    return test


def _similarities(path: Path, name: str, rows: list[tuple[int, list[str]]], numbers: Mapping[str, int]) -> WordTest:
    pairs, scores, total = [], [], 0
    for place, (number, cells) in enumerate(rows):
        if len(cells) != 3:
            raise InputError(f"{path}, line {number:,}: {len(cells)} columns; {FORMS}")
        try:
            score = float(cells[2])
            if not isfinite(score):
                raise ValueError
        except ValueError as error:
            if place == 0:  # a header
                continue
            raise InputError(f"{path}, line {number:,}: {cells[2]!r} is no number; {FORMS}") from error
        total += 1
        if cells[0] in numbers and cells[1] in numbers:
            pairs.append([numbers[cells[0]], numbers[cells[1]]])
            scores.append(score)
    words = torch.tensor(pairs, dtype=torch.int64).view(-1, 2)
    return WordTest(SimilarityBatch(name, words, torch.tensor(scores, dtype=torch.float64)), total)


def _analogies(path: Path, name: str, rows: list[tuple[int, list[str]]], numbers: Mapping[str, int]) -> WordTest:
    questions, kinds, names, total = [], [], [], 0
    for number, cells in rows:
        if cells[0].startswith(":"):
            names.append(" ".join([cells[0][1:], *cells[1:]]).strip() or f"kind {len(names) + 1}")
            continue
        if len(cells) != 4:
            raise InputError(f"{path}, line {number:,}: {len(cells)} columns; {FORMS}")
        names = names or ["all"]
        total += 1
        if all(cell in numbers for cell in cells):
            questions.append([numbers[cell] for cell in cells])
            kinds.append(len(names) - 1)
    words = torch.tensor(questions, dtype=torch.int64).view(-1, 4)
    return WordTest(AnalogyBatch(name, words, torch.tensor(kinds, dtype=torch.int64), tuple(names)), total)
