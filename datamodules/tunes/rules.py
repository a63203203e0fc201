"""The bar clock at work: which symbols a language model may write next, so that no bar overflows or ends too early."""

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from datamodules.tunes.bars import BarClock, partial
from datamodules.tunes.marks import Marks, marks_of
from datamodules.tunes.notation import SOUNDING, NoTune, kind_of, length_of
from datamodules.tunes.symbols import END

ANY = ("field", "ending", "name", "tie", *SOUNDING)  # kinds all of whose tokens are allowed, or none
CLOSING = 60  # symbols: more than a bar, which a tune needs to come to an end


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
        self.has_tokens = any(len(symbol) > 1 and symbol != END for symbol in symbols)
        self.whole = {  # what cannot go on, as `3` can in `3/2` when it is written by characters
            token for token in self.tokens if token.endswith("\n") or (self.has_tokens and token in symbols)
        }
        self.in_body = torch.tensor([len(symbol) == 1 or not symbol.endswith("\n") for symbol in symbols])
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
            firsts = rests - {""} if self.has_tokens else {rest[0] for rest in rests if rest}
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
        bar_clock: Whether its bars are kept right; otherwise only its header is.
    """

    def __init__(self, grammar: Grammar, bar_clock: bool) -> None:
        self.grammar = grammar
        self.bar_clock = bar_clock
        self.clock = BarClock()
        self.begun = ""  # characters of a token that may go on
        self.ended = False
        self.lost = False  # in a beginning that no grammar foresees, which is written on without a clock

    def mask(self) -> Tensor | None:
        """Returns which symbols may come next, bool [V]; None if all may."""
        if self.ended or (self.lost and not self.clock.in_body):
            return None
        if self.clock.in_body and (self.lost or not self.bar_clock):
            return self.grammar.in_body
        mask = self.grammar.mask(self.clock, self.begun)
        return mask if mask.any() else self.grammar.in_body

    def marks(self) -> Marks:
        """Returns where the tune is, as far as its tokens are known to be complete."""
        return marks_of(BarClock() if self.ended else self.clock)

    def take(self, symbol: str) -> None:
        """Follows a symbol."""
        if symbol == END:
            self.ended = bool(self.clock.bars)
            return
        if self.lost:
            return
        if self.begun + symbol in self.grammar.begins:
            self.begun += symbol
        elif not self.begun or self.begun in self.grammar.complete:
            self._complete()
            self.begun = symbol
            self.lost = symbol not in self.grammar.begins
        else:
            self.lost = True
        if self.begun in self.grammar.whole:
            self._complete()

    def _complete(self) -> None:
        """Follows the token that has been begun."""
        try:
            self.clock = self.clock.after(self.begun) if self.begun else self.clock
        except (NoTune, ValueError):  # a duration of 0, say
            self.lost = True
        self.begun = ""


class TuneRules:
    """Lets each tune begin with a header and end at its end, and keeps its bars right if asked to.

    Args:
        grammar: What may follow where.
        primes: Beginnings of the tunes, int64 [B, T].
        bar_clock: Whether bars are kept right.
        marked: Whether symbols have marks.
    """

    def __init__(self, grammar: Grammar, primes: Tensor, bar_clock: bool, marked: bool = False) -> None:
        self.symbols = grammar.symbols
        self.stop = self.symbols.index(END)
        self.bar_clock = bar_clock
        self.marked = marked
        self.writers = [Writer(grammar, bar_clock) for _ in primes]
        marks = []
        for column in primes.T:
            self.take(column)
            marks.append(self._marks)
        self._marks = torch.cat(marks, 1) if marked else None

    def allowed(self, left: int) -> Tensor | None:
        """Returns which symbols may come next, bool [B, V]; None if all may.

        By the bar clock a tune that has few symbols left ends with the next bar, so that none is cut.

        Args:
            left: How many symbols are still to be written, the next included.
        """
        masks = [writer.mask() for writer in self.writers]
        if all(mask is None for mask in masks):
            return None
        everything = torch.ones(len(self.symbols), dtype=torch.bool)
        allowed = torch.stack([everything if mask is None else mask for mask in masks])
        if self.bar_clock and left <= CLOSING:
            may_end = allowed[:, self.stop].clone()
            allowed[may_end] = False
            allowed[may_end, self.stop] = True
        return allowed

    def take(self, symbols: Tensor) -> None:
        """Follows the next symbol of each tune, int64 [B]."""
        for writer, number in zip(self.writers, symbols.tolist(), strict=True):
            writer.take(self.symbols[number])
        self._marks = torch.tensor([[writer.marks()] for writer in self.writers]) if self.marked else None

    def marks(self) -> Tensor | None:
        """Returns the marks of the symbols that were taken last, at first of the beginnings, int64 [B, T, F]."""
        return self._marks


def _state(clock: BarClock) -> tuple:
    upbeats, ends = partial(clock.bars)
    return (
        *(clock.in_body, clock.unit, clock.full, clock.metre, clock.filled, clock.note, clock.lengthened),
        *(clock.group, clock.factor, clock.opens, bool(clock.bars), clock.has_whole_bar),
        *(frozenset(upbeats), frozenset(ends)),
    )
