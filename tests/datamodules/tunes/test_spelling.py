"""Tokens are spelled by symbols, also in other keys."""

import pytest
import torch

from datamodules.tunes.keys import transposed
from datamodules.tunes.spelling import Spelling, symbols_of
from datamodules.tunes.symbols import END, Symbols, vocabulary_of

TOKENS = ("M:4/4\n", "L:1/8\n", "K:G\n", '"D7"', "^c", "3/2", "|")


def text(spelling: Spelling, symbols: tuple[str, ...], tokens: tuple[str, ...], key: int = 0) -> str:
    """Returns tokens as they are spelled in a key."""
    numbers = torch.tensor([spelling.numbers[token] for token in tokens])
    return "".join(symbols[number] for number in spelling.spelled(spelling.in_key[key, numbers])[0].tolist())


@pytest.mark.parametrize("kind", ["tokens", "characters"])
def test_a_tune_is_spelled_in_each_key(kind: Symbols) -> None:
    every = {token for by in (0, 2, -1) for token in transposed(TOKENS, by)}
    vocabulary = vocabulary_of(every, sorted(every) if kind == "tokens" else ())
    spelling = Spelling(every, [0, 2, -1], vocabulary, kind)
    for key, by in enumerate((0, 2, -1)):
        assert text(spelling, vocabulary.symbols, TOKENS, key) == "".join(transposed(TOKENS, by))


def test_an_unknown_token_is_spelled_by_characters_and_the_end_is_one_symbol() -> None:
    vocabulary = vocabulary_of(TOKENS, TOKENS[:3])
    assert vocabulary.ids([END, "M:4/4\n", "3", "/", "2", END]) == symbols_of(
        [END, "M:4/4\n", "3/2", END], vocabulary, "tokens"
    )
    spelling = Spelling(TOKENS, [0], vocabulary, "tokens")
    numbers = torch.tensor([0, *map(spelling.numbers.get, ("M:4/4\n", "3/2", "|")), 0])
    symbols, complete = spelling.spelled(numbers)
    assert [vocabulary.symbols[symbol] for symbol in symbols.tolist()] == [END, "M:4/4\n", "3", "/", "2", "|", END]
    assert complete.tolist() == [1, 2, 2, 2, 2, 4, 5], "3/2 might go on"
