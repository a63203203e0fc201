"""Passages of tunes, with what is true at each place of them."""

import pytest
import torch

from datamodules.tunes.loader import Tunes
from datamodules.tunes.passages import passages_of_tunes
from datamodules.tunes.spelling import Spelling
from datamodules.tunes.symbols import Symbols, vocabulary_of
from datamodules.tunes.synthetic import synthetic_tunes

TUNES = synthetic_tunes(4, seed=1)
TOKENS = [tune.tokens for tune in TUNES]
EVERY = {token for tokens in TOKENS for token in tokens}


@pytest.mark.parametrize("kind", ["tokens", "characters"])
def test_they_are_what_a_network_is_trained_on(kind: Symbols) -> None:
    vocabulary = vocabulary_of(EVERY, sorted(EVERY) if kind == "tokens" else ())
    tunes = Tunes(TUNES, [1] * len(TUNES), Spelling(EVERY, [0], vocabulary, kind), marked=True)
    symbols, marks = tunes.strung(range(len(TUNES)), [0] * len(TUNES))
    passages = passages_of_tunes(TOKENS, vocabulary, kind, 10**6, 20, marked=True)
    whole = len(symbols) // 20 * 20
    assert torch.equal(passages.symbols.flatten(), symbols[:whole])
    assert torch.equal(passages.marks.flatten(0, 1), marks[:whole].long())
    assert passages_of_tunes(TOKENS, vocabulary, kind, 3, 20, marked=False).marks is None
    shown = "".join(symbol for row in passages.texts for symbol in row)
    assert shown == ("\n" + "".join(tune.text + "\n" for tune in TUNES))[: len(shown)]


def test_facts_say_where_in_the_bar_a_place_is() -> None:
    vocabulary = vocabulary_of(EVERY, sorted(EVERY))
    passages = passages_of_tunes(TOKENS, vocabulary, "tokens", 10**6, 20, marked=False)
    symbols = [symbol for row in passages.texts for symbol in row]
    facts = {name: values.flatten().tolist() for name, values in passages.facts.items()}
    bars = [place for place, symbol in enumerate(symbols) if "|" in symbol]
    assert bars
    assert all(facts["is a bar line"][place] and not facts["time since the bar line"][place] for place in bars)
    assert all(facts["before a bar line"][place - 1] for place in bars)
    first = facts["is a note"].index(1)
    assert symbols[first] in "ABCDEFGabcdefg"
    assert facts["time since the bar line"][first] > 0
    filled, left = facts["time since the bar line"], facts["time to the bar line"]
    assert filled[first] + left[first] == left[bars[0]]
