"""A tune that is written with the bar clock has every bar right, whatever a network prefers."""

import pytest
import torch

from datamodules.tunes.bars import right_bars
from datamodules.tunes.reading import read_tune
from datamodules.tunes.rules import Grammar, TuneRules
from datamodules.tunes.symbols import END, as_learned, vocabulary_of
from datamodules.tunes.synthetic import synthetic_tunes
from lightning_modules.layers.decoding import Sampling, decode

HEADER = "M:6/8\nL:1/8\nK:G\n"
TUNES = [
    *synthetic_tunes(30, seed=0),
    read_tune('M:4/4\nL:1/8\nK:D\nA|(3Bcd e2>f2 "G"g/2f3/2|[1B4-B3:|[2[DF]8||[M:3/4]z6|'),
]


def grammar(symbols: str) -> Grammar:
    """Returns the grammar of some tunes."""
    tunes = [as_learned(tune, symbols).tokens for tune in TUNES]
    tokens = sorted({token for tune in tunes for token in tune})
    return Grammar(vocabulary_of(tunes, tokens if symbols == "tokens" else ()).symbols, tokens)


def write(rules: TuneRules, n: int, length: int, seed: int) -> list[str]:
    """Returns what random logits write by rules, up to the end."""
    rng = torch.Generator().manual_seed(seed)
    size = len(rules.symbols)

    def step(symbols: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
        logits = torch.randn(n, 1, size, generator=rng)
        logits[..., rules.stop] += 2.0  # else tunes hardly end
        return logits, None

    out = decode(step, step(None, None)[0][:, 0], None, length, Sampling(), rng, rules)
    words = [[rules.symbols[number] for number in row] for row in out.tolist()]
    return ["".join(row[: row.index(END)] if END in row else [*row, "..."]) for row in words]


@pytest.mark.parametrize(("symbols", "length"), [("tokens", 400), ("characters", 700)])
def test_every_bar_is_right(symbols: str, length: int) -> None:
    known = grammar(symbols)
    prime = [END, *(HEADER if symbols == "characters" else HEADER.splitlines(keepends=True))]
    numbers = torch.tensor([[known.symbols.index(symbol) for symbol in prime]] * 12)
    texts = write(TuneRules(known, known.symbols, numbers), 12, length, seed=0)
    ended = [read_tune(HEADER + text) for text in texts if not text.endswith("...")]
    assert len(ended) >= 6
    for tune in ended:
        assert all(right_bars(tune))
        assert len(right_bars(tune)) >= 1
    assert len({tune.text for tune in ended}) == len(ended)


def test_headers_are_written_in_order() -> None:
    known = grammar("tokens")
    rules = TuneRules(known, known.symbols, torch.full((4, 1), known.symbols.index(END)))
    for text in write(rules, 4, 300, seed=1):
        assert [line[:2] for line in text.split("\n")[:3]] == ["M:", "L:", "K:"]


@pytest.mark.parametrize("symbols", ["tokens", "characters"])
def test_real_tunes_are_allowed(symbols: str) -> None:
    known = grammar(symbols)
    for tune in TUNES:
        tokens = as_learned(tune, symbols).tokens
        rules = TuneRules(known, known.symbols, torch.tensor([[known.symbols.index(END)]]))
        for symbol in [*("".join(tokens) if symbols == "characters" else tokens), END]:
            number = known.symbols.index(symbol)
            assert rules.allowed()[0, number], (symbol, "".join(tokens))
            rules.take(torch.tensor([number]))


def test_without_a_clock_all_may_be_written_and_the_end_ends() -> None:
    known = grammar("tokens")
    rules = TuneRules(None, known.symbols, torch.zeros(2, 1, dtype=torch.int64))
    assert rules.allowed() is None
    assert known.symbols[rules.stop] == END


def test_a_beginning_that_no_tune_has_is_written_on_without_a_clock() -> None:
    known = grammar("tokens")
    prime = [END, "M:6/8\n", "L:1/8\n", "K:G\n", "\n"]
    rules = TuneRules(known, known.symbols, torch.tensor([[known.symbols.index(symbol) for symbol in prime]]))
    assert rules.allowed().all()
