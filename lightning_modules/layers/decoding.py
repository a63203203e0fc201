"""Decoding: sampling the next symbol from logits with temperature, top-k and top-p, or taking the most probable.

Nucleus (top-p) sampling: Ari Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019, arXiv:1904.09751.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.protocols.writing import WritingRules
from core.ranges import check_range

# Temperatures: below the first only the most probable symbol is left, and a division might overflow; beyond the other
# all are alike.
COLDEST, HOTTEST = 1e-6, 1e30


@dataclass(frozen=True)
class Sampling:
    """How the next symbol is chosen.

    Attributes:
        temperature: Divisor of the logits: below 1 probable symbols are preferred, 0 always takes the most probable.
        top_k: Number of most probable symbols that are considered; 0 for all.
        top_p: The fewest most probable symbols with this probability together are considered.

    Raises:
        InputError: A value is out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        check_range("model.temperature", self.temperature, most=HOTTEST)
        check_range("model.top_k", self.top_k)
        check_range("model.top_p", self.top_p, most=1, above=True)

    def weights(self, logits: Tensor) -> Tensor:
        """Returns the weight of each symbol, float32 [B, V], 0 for those not considered, of logits float32 [B, V]."""
        if self.temperature < COLDEST:
            return F.one_hot(logits.argmax(1), logits.shape[1]).float()
        weights = (logits / self.temperature).softmax(1)
        ordered, places = weights.sort(1, descending=True)
        # the more probable symbols already have this probability together
        out = ordered.cumsum(1) - ordered >= self.top_p
        out[:, 0] = False  # a probability that float32 takes for 0 leaves the first
        if self.top_k:
            out[:, self.top_k :] = True
        return weights.masked_fill(out.gather(1, places.argsort(1)), 0.0)

    def draw(self, logits: Tensor, rng: torch.Generator, allowed: Tensor | None = None) -> Tensor:
        """Samples a symbol for each row.

        Args:
            logits: [B, V].
            rng: Source of randomness, on the CPU.
            allowed: Symbols to choose from, bool [B, V], at least one in each row; all if not given.

        Returns:
            int64 [B, 1], on the device of the logits.
        """
        logits = logits.float()
        if allowed is not None:
            logits = logits.masked_fill(~allowed.to(logits.device), -torch.inf)
        return torch.multinomial(self.weights(logits).cpu(), 1, generator=rng).to(logits.device)


def decode(
    step: Callable[[Tensor, Any], tuple[Tensor, Any]],
    logits: Tensor,
    state: Any,
    length: int,
    sampling: Sampling,
    rng: torch.Generator,
    rules: WritingRules | None = None,
) -> Tensor:
    """Generates symbols one by one; each is the input of the next step.

    Args:
        step: Returns logits [B, 1, V] and the state after them, of symbols [B, 1] and the state before them.
        logits: Logits for the first symbol, [B, V].
        state: The state before the first symbol, such as that of an encoder or after a prompt.
        length: Number of symbols L.
        sampling: How each symbol is chosen.
        rng: Source of randomness, on the CPU.
        rules: What may be written, and the symbol that ends a text; what follows it has no meaning.

    Returns:
        int64 [B, L].
    """
    written: list[Tensor] = []
    ended = torch.zeros(len(logits), 1, dtype=torch.bool, device=logits.device)
    while len(written) < length:
        if written:
            following, state = step(written[-1], state)
            logits = following[:, -1]
        written.append(sampling.draw(logits, rng, None if rules is None else rules.allowed(length - len(written))))
        if rules is not None:
            rules.take(written[-1].flatten())
            ended |= written[-1] == rules.stop
            if bool(ended.all()):
                written += [torch.full_like(written[-1], rules.stop)] * (length - len(written))
    return torch.cat(written, 1)
