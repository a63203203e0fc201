"""Sums and differences of words, such as `king - man + woman`, and their neighbours."""

import difflib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from core.errors import InputError
from core.predictions import PredictionTable, excerpt
from datamodules.words.batches import QueryBatch

SIGNS = {"+": 1, "-": -1}
SUGGESTED = 3


def read_query(
    text: str, numbers: Mapping[str, int], lowercase: bool, unknown: list[str] | None
) -> list[tuple[int, int]]:
    """Returns the words of a sum and their signs.

    Args:
        text: Words with `+` or `-` between them; words without a sign are added.
        numbers: Number of each word of the vocabulary.
        lowercase: Whether the vocabulary is in lower case.
        unknown: Unknown words so far, to which more are added; none may be unknown if not given.

    Raises:
        InputError: A word is unknown and may not be; the message names the nearest in spelling. Or there is no word.
    """
    terms, sign = [], 1
    for part in (text.lower() if lowercase else text).split():
        if part in SIGNS:
            sign = SIGNS[part]
            continue
        if part not in numbers and part[0] in SIGNS:
            sign, part = SIGNS[part[0]], part[1:]
        if part not in numbers and unknown is not None:
            unknown.append(part)
            terms.append((len(numbers) + len(unknown) - 1, sign))
            sign = 1
            continue
        if part not in numbers:
            near = difflib.get_close_matches(part, numbers, n=SUGGESTED)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise InputError(f"{excerpt(text)!r}: {part!r} is not among the {len(numbers):,} words{hint}")
        terms.append((numbers[part], sign))
        sign = 1
    if not terms:
        raise InputError(f"{excerpt(text)!r}: holds no word")
    return terms


def read_queries(
    texts: Mapping[int, str], numbers: Mapping[str, int], lowercase: bool, composes: bool
) -> tuple[QueryBatch, dict[int, str]]:
    """Returns sums of words as a batch, and why some cannot be read, by place; of those the batch has empty sums.

    Args:
        texts: The sums by place, written as in `read_query`.
        numbers: Number of each word of the vocabulary.
        lowercase: Whether the vocabulary is in lower case.
        composes: Whether words that the vocabulary lacks are allowed.
    """
    queries, unread = [], {}
    unknown: list[str] = []
    for place, text in texts.items():
        try:
            queries.append(read_query(text, numbers, lowercase, unknown if composes else None))
        except InputError as error:
            unread[place] = str(error)
            queries.append([])
    return query_batch(queries, unknown), unread


def query_batch(queries: Sequence[Sequence[tuple[int, int]]], unknown: Sequence[str]) -> QueryBatch:
    """Returns sums of words as a batch.

    Args:
        queries: Number and sign of each word of each sum.
        unknown: Words whose numbers follow those of the vocabulary.
    """
    width = max(1, *(len(query) for query in queries)) if queries else 1
    words = torch.zeros(len(queries), width, dtype=torch.int64)
    weights = torch.zeros(len(queries), width)
    for row, query in enumerate(queries):
        for column, (word, sign) in enumerate(query):
            words[row, column], weights[row, column] = word, sign
    return QueryBatch(words, weights, tuple(unknown))


def neighbour_table(names: Sequence[str], outputs: Tensor, words: Sequence[str]) -> PredictionTable:
    """Returns a table of near words, a row each.

    Args:
        names: What was asked for.
        outputs: Number and cosine of each near word, [N, K, 2].
        words: All words.
    """
    rows = [
        (name, words[int(number)], f"{cosine:.3f}")
        for name, near in zip(names, outputs.tolist(), strict=True)
        for number, cosine in near
    ]
    return PredictionTable(("asked", "near", "cosine"), rows)
