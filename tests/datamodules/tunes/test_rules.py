"""A tune that is written with the bar clock has every bar right, whatever a network prefers."""

import pytest
import torch

from datamodules.text.vocabulary import Vocabulary
from datamodules.tunes.bars import right_bars
from datamodules.tunes.loader import Tunes
from datamodules.tunes.reading import read_tune
from datamodules.tunes.rules import Grammar, TuneRules
from datamodules.tunes.spelling import Spelling
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
    tokens = sorted({token for tune in TUNES for token in as_learned(tune, symbols).tokens})
    return Grammar(vocabulary_of(tokens, tokens if symbols == "tokens" else ()).symbols, tokens)


def write(rules: TuneRules, n: int, length: int, seed: int, stop: float = 2.0) -> list[str]:
    """Returns what random logits write by rules, up to the end."""
    rng = torch.Generator().manual_seed(seed)
    size = len(rules.symbols)

    def step(symbols: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
        logits = torch.randn(n, 1, size, generator=rng)
        logits[..., rules.stop] += stop  # else tunes hardly end
        return logits, None

    out = decode(step, step(None, None)[0][:, 0], None, length, Sampling(), rng, rules)
    words = [[rules.symbols[number] for number in row] for row in out.tolist()]
    return ["".join(row[: row.index(END)] if END in row else [*row, "..."]) for row in words]


@pytest.mark.parametrize(("symbols", "length"), [("tokens", 400), ("characters", 700)])
def test_every_bar_is_right(symbols: str, length: int) -> None:
    known = grammar(symbols)
    prime = [END, *(HEADER if symbols == "characters" else HEADER.splitlines(keepends=True))]
    numbers = torch.tensor([[known.symbols.index(symbol) for symbol in prime]] * 12)
    texts = write(TuneRules(known, numbers, bar_clock=True), 12, length, seed=0)
    ended = [read_tune(HEADER + text) for text in texts if not text.endswith("...")]
    assert len(ended) >= 6
    for tune in ended:
        assert all(right_bars(tune))
        assert len(right_bars(tune)) >= 1
    assert len({tune.text for tune in ended}) == len(ended)


@pytest.mark.parametrize("bar_clock", [False, True])
@pytest.mark.parametrize("symbols", ["tokens", "characters"])
def test_headers_are_written_once_and_in_order(symbols: str, bar_clock: bool) -> None:
    known = grammar(symbols)
    rules = TuneRules(known, torch.full((4, 1), known.symbols.index(END)), bar_clock)
    for text in write(rules, 4, 300, seed=1):
        assert [line[:2] for line in text.split("\n")[:3]] == ["M:", "L:", "K:"]
        if symbols == "tokens":
            assert "M:" not in text.split("K:")[1].replace("[M:", "")


@pytest.mark.parametrize("symbols", ["tokens", "characters"])
def test_real_tunes_are_allowed(symbols: str) -> None:
    known = grammar(symbols)
    for tune in TUNES:
        tokens = as_learned(tune, symbols).tokens
        rules = TuneRules(known, torch.tensor([[known.symbols.index(END)]]), bar_clock=True)
        for symbol in [*("".join(tokens) if symbols == "characters" else tokens), END]:
            number = known.symbols.index(symbol)
            assert rules.allowed(1000)[0, number], (symbol, "".join(tokens))
            rules.take(torch.tensor([number]))


def test_a_tune_by_the_clock_ends_with_a_bar_however_short_it_is_to_be() -> None:
    known = grammar("tokens")
    prime = torch.tensor([[known.symbols.index(symbol) for symbol in (END, "M:6/8\n", "L:1/8\n", "K:G\n")]] * 20)
    rules = TuneRules(known, prime, bar_clock=True)
    for text in write(rules, 20, 80, seed=2, stop=-4.0):
        assert not text.endswith("...")
        assert all(right_bars(read_tune(HEADER + text)))


def numbers_of(known: Grammar, symbols: list[str]) -> torch.Tensor:
    """Returns the numbers of symbols, as one beginning."""
    return torch.tensor([[known.symbols.index(symbol) for symbol in symbols]])


def test_without_a_clock_all_but_another_header_may_be_written_and_the_end_ends() -> None:
    known = grammar("tokens")
    rules = TuneRules(known, numbers_of(known, [END, "M:6/8\n", "L:1/8\n", "K:G\n"]), bar_clock=False)
    refused = [known.symbols[number] for number in (~rules.allowed(1000)[0]).nonzero().flatten().tolist()]
    assert refused
    assert all(len(symbol) > 1 and symbol[1] == ":" and symbol.endswith("\n") for symbol in refused)
    assert known.symbols[rules.stop] == END


def test_a_beginning_that_no_tune_has_is_written_on_without_a_clock() -> None:
    known = grammar("tokens")
    prime = [END, "M:6/8\n", "L:1/8\n", "K:G\n", "\n"]
    rules = TuneRules(known, numbers_of(known, prime), bar_clock=True, marked=True)
    assert torch.equal(rules.allowed(1000)[0], known.in_body)
    rules.take(torch.tensor([known.symbols.index("A")]))
    assert rules.marks().shape == (1, 1, 4)


@pytest.mark.parametrize("symbols", ["tokens", "characters"])
@pytest.mark.parametrize("bar_clock", [False, True])
def test_what_is_written_has_the_marks_of_what_is_read(symbols: str, bar_clock: bool) -> None:
    known = grammar(symbols)
    every = {token for tune in TUNES for token in as_learned(tune, symbols).tokens}
    spelling = Spelling(every, [0], Vocabulary(known.symbols), symbols)
    learned = [as_learned(tune, symbols) for tune in TUNES]
    tunes = Tunes(learned, [1] * len(learned), spelling, marked=True)
    for place in range(len(learned)):
        text, marks = tunes.strung([place], [0])
        rules = TuneRules(known, text[None, :5], bar_clock, marked=True)
        written = [rules.marks()]
        for symbol in text[5:]:
            rules.take(symbol[None])
            written.append(rules.marks())
        assert torch.equal(torch.cat(written, 1)[0], marks.long())
