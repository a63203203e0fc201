"""The bar clock at work: which symbols a language model may write next, so that no bar overflows or ends too early."""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from datamodules.tunes.bars import BarClock, partial
from datamodules.tunes.notation import SOUNDING, kind_of, length_of
from datamodules.tunes.symbols import END

ANY = ("field", "ending", "name", "tie", *SOUNDING)  # kinds all of whose tokens are allowed, or none


class Grammar:
    """The tokens that tunes are made of, and what may follow where; shared by all tunes that are written.

    Args:
        symbols: Symbols of the vocabulary, by number.
        tokens: All tokens.
    """

    def __init__(self, symbols: Sequence[str], tokens: Sequence[str]) -> None:
        self.symbols = symbols
        self.tokens = [token for token in tokens if kind_of(token)]
        self.begins = {token[:end] for token in self.tokens for end in range(1, len(token) + 1)}
        self.complete = set(self.tokens)
        lengths = {length_of(token) for token in self.tokens if kind_of(token) == "length"}
        self.lengths = sorted({*lengths, Fraction(1)})
        self._allowed: dict[tuple, frozenset[str]] = {}
        self._masks: dict[tuple, Tensor] = {}

    def allowed(self, clock: BarClock) -> frozenset[str]:
        """Returns the tokens that may come next; the empty one among them if the tune may end."""
        state = _state(clock)
        if state not in self._allowed:
            verdicts: dict[str, bool] = {}
            found = {""} if clock.allows("", self.lengths) else set()
            for token in self.tokens:
                kind = kind_of(token)
                if kind not in ANY or kind not in verdicts:
                    verdicts[kind] = clock.allows(token, self.lengths)
                if verdicts[kind]:
                    found.add(token)
            self._allowed[state] = frozenset(found)
        return self._allowed[state]

    def mask(self, clock: BarClock, begun: str) -> Tensor:
        """Returns which symbols may come next, bool [V], after a clock's tokens and the beginning of another."""
        state = (_state(clock), begun)
        if state not in self._masks:
            allowed = self.allowed(clock)
            rests = {token[len(begun) :] for token in allowed if token.startswith(begun)}
            if begun in self.complete and begun in allowed:  # it may also be all of its token
                rests |= self.allowed(clock.after(begun))
            whole = any(len(symbol) > 1 and symbol != END for symbol in self.symbols)
            firsts = rests - {""} if whole else {rest[0] for rest in rests if rest}
            ends = "" in (self.allowed(clock.after(begun)) if begun in self.complete else allowed)
            ends = ends and (not begun or begun in allowed)
            self._masks[state] = torch.tensor(
                [ends if symbol == END else symbol in firsts for symbol in self.symbols], dtype=torch.bool
            )
        return self._masks[state]


class Writer:
    """One tune that is written.

    Args:
        grammar: What may follow where.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.clock = BarClock()
        self.begun = ""  # characters of a token that may go on
        self.ended = False
        self.lost = False  # in a beginning that no grammar foresees, which is written on without a clock

    def mask(self) -> Tensor | None:
        """Returns which symbols may come next, bool [V]; None if all may."""
        if self.lost or self.ended:
            return None
        mask = self.grammar.mask(self.clock, self.begun)
        return mask if mask.any() else None

    def take(self, symbol: str) -> None:
        """Follows a symbol."""
        if symbol == END:
            self.ended = bool(self.clock.bars)
            return
        if self.begun + symbol in self.grammar.begins:
            self.begun += symbol
        elif not self.begun or self.begun in self.grammar.complete:
            if self.begun:
                self.clock = self.clock.after(self.begun)
            self.begun = symbol
            self.lost = self.lost or symbol not in self.grammar.begins
        else:
            self.lost = True
        if self.begun in self.grammar.complete and len(self.begun) > 1 and self.begun.endswith("\n"):
            self.clock, self.begun = self.clock.after(self.begun), ""


class TuneRules:
    """Ends each tune at its end, and keeps its bars right if asked to.

    Args:
        grammar: What may follow where; None without a bar clock.
        symbols: Symbols of the vocabulary, by number.
        primes: Beginnings of the tunes, int64 [B, T].
    """

    def __init__(self, grammar: Grammar | None, symbols: Sequence[str], primes: Tensor) -> None:
        self.symbols = symbols
        self.stop = symbols.index(END)
        self.writers = [Writer(grammar) for _ in primes] if grammar is not None else []
        for column in primes.T:
            self.take(column)

    def allowed(self) -> Tensor | None:
        """Returns which symbols may come next, bool [B, V]; None if all may."""
        if not self.writers:
            return None
        everything = torch.ones(len(self.symbols), dtype=torch.bool)
        masks = [writer.mask() for writer in self.writers]
        return torch.stack([everything if mask is None else mask for mask in masks])

    def take(self, symbols: Tensor) -> None:
        """Follows the next symbol of each tune, int64 [B]."""
        for writer, number in zip(self.writers, symbols.tolist(), strict=True) if self.writers else ():
            writer.take(self.symbols[number])


def _state(clock: BarClock) -> tuple:
    upbeats, ends = partial(clock.bars)
    return (
        *(clock.in_body, clock.unit, clock.full, clock.metre, clock.filled, clock.note, clock.lengthened),
        *(clock.group, clock.factor, clock.opens, bool(clock.bars), clock.has_whole_bar),
        *(frozenset(upbeats), frozenset(ends)),
    )
