"""Protocols of language models and of the data modules whose texts they write."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.measures import Measure
from core.media import Medium
from core.randomness import generator


class WritingRules(Protocol):
    """What a model may write after some beginnings, which it follows symbol by symbol.

    Attributes:
        stop: Symbol that ends a text.
    """

    stop: int

    def allowed(self, left: int) -> Tensor | None:
        """Returns which symbols may come next, bool [B, V]; None if all may.

        Args:
            left: How many symbols are still to be written, the next included.
        """

    def take(self, symbols: Tensor) -> None:
        """Follows the next symbol of each text, int64 [B]."""

    def marks(self) -> Tensor | None:
        """Returns the marks of the symbols that were taken last, at first of all that texts begin with.

        Marks are small numbers that follow from a symbol and those before it, such as the place in a line, and which a
        model may read beside it.

        Returns:
            int64 [B, T, F]; None if symbols have no marks.
        """


@runtime_checkable
class HasWritingRules(Protocol):
    """A data module whose texts follow rules, and end."""

    def rules(self, primes: Tensor) -> WritingRules:
        """Returns the rules of texts that begin with primes, int64 [B, T]."""


def writing_rules(data: Any, primes: Tensor) -> WritingRules | None:
    """Returns the rules of a data module for texts with these beginnings, int64 [B, T]; None if it has none."""
    return data.rules(primes) if isinstance(data, HasWritingRules) else None


def written_by(seed: int, place: int = 0) -> torch.Generator:
    """Returns what draws the symbols of a text, so that a seed has the same text whoever asks for it.

    Args:
        seed: The seed.
        place: Place of the text among those that are asked for together.
    """
    return generator(seed, "write", place, 0)  # 0 was the number of a process in earlier releases


@runtime_checkable
class WritesText(Protocol):
    """A model that continues texts, `length` symbols at most where nobody says how many."""

    length: int

    def write(self, prime: Tensor, length: int, rng: torch.Generator, rules: WritingRules | None = None) -> Tensor:
        """Returns the next symbols of texts, int64 [B, length].

        Args:
            prime: The beginnings, int64 [B, T].
            length: Number of symbols to write.
            rng: Random generator on the CPU.
            rules: What may be written.
        """


@runtime_checkable
class DrawsSymbols(Protocol):
    """A model whose next symbol is drawn by chance."""

    sampling: Any  # a dataclass of settings, with `draw(logits [B, V], rng, allowed)`, which returns symbols [B, 1]


@runtime_checkable
class HasPrimes(Protocol):
    """A data module of texts, with a prime (a beginning) for a model to continue."""

    def first_prime(self) -> str:
        """Returns the beginning of the validation text, or of the training text if there is none."""

    def encode(self, text: str) -> list[int]:
        """Returns the symbols of a prime, at least one."""

    def decode(self, symbols: Tensor) -> str:
        """Returns the text of symbols [N]."""


@runtime_checkable
class RendersTexts(Protocol):
    """A data module whose texts are more than letters, such as tunes, which can be seen and heard."""

    def media_of_text(self, text: str, step: int) -> Iterable[Medium]:
        """Returns media of a text that a model has written after so many optimizer steps."""


Write = Callable[[Tensor, WritingRules], Tensor]  # what a model writes after primes [B, T], by rules: int64 [B, L]


@runtime_checkable
class JudgesTexts(Protocol):
    """A data module that measures the texts which a model writes after a test.

    Attributes:
        text_measures: What it measures; none if nothing is to be written.
    """

    text_measures: tuple[Measure, ...]

    def judge(self, write: Write, nats: float | None) -> dict[str, float]:
        """Returns values by measure, as far as there are any.

        Args:
            write: Lets the model write.
            nats: Sum of the losses of all test texts; None where `limit_test_batches` leaves some out.
        """

    def media_of_texts(self, step: int) -> Iterable[Medium]:
        """Returns media of the texts that were judged last."""
