"""Beam search for many sentences at once, each of which is searched as if it were alone.

The penalty for short translations is that of Yonghui Wu et al., 2016, arXiv:1609.08144: scores are divided by
((5 + length) / 6) ** penalty.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.nested_tensors import map_tensors
from datamodules.text.special_symbols import BEGIN, END, PADDING

Step = Callable[[Tensor, Any, Any], tuple[Tensor, Any]]
DONE = 0.2  # share of sentences whose search is over from which the others are searched without them


@torch.no_grad()
def beam_search(
    step: Step,
    memory: Any,
    state: Any,
    limits: Tensor,
    beam: int,
    penalty: float,
    never: tuple[int, ...] = (PADDING, BEGIN),
) -> Tensor:
    """Returns the translation of each sentence with the best score that the search finds.

    The search for a sentence ends once nothing that is still open could be better, whatever its length. With a beam of
    1 the most probable symbol is taken at each place, and the search ends at the first end of a sentence.

    Args:
        step: Returns logits [B, K, V] of the next symbols, which the search changes, and the state after them, of the
            latest symbols [B, K], the state before them, and the memory.
        memory: What does not change in the search: tensors [B, ...].
        state: The state before the first symbol: tensors [B, K, ...].
        limits: Most symbols of each translation, its end included, int64 [B].
        beam: Number K of translations that are continued side by side for each sentence.
        penalty: Exponent of the length in the score; 0 for none, more for longer translations.
        never: Symbols that never follow.

    Returns:
        Symbols with the mark of the end, and zeros behind it, int64 [B, L].
    """
    n, device = len(limits), limits.device
    found = torch.zeros(n, int(limits.max()), dtype=torch.int64, device=device)
    best = torch.full((n,), -torch.inf, device=device, dtype=torch.float32)
    places = torch.arange(n, device=device)  # of the sentences that are searched
    is_open = torch.ones(n, dtype=torch.bool, device=device)
    scores = torch.full((n, beam), -torch.inf, device=device, dtype=torch.float32)
    scores[:, 0] = 0  # all beams begin alike
    written = torch.empty(n, beam, 0, dtype=torch.int64, device=device)
    latest = torch.full((n, beam), BEGIN, device=device)
    banned = torch.tensor(never, dtype=torch.int64, device=device)
    for length in range(1, found.shape[1] + 1):
        logits, state = step(latest, state, memory)
        logs, choices = _best(logits, 2 * beam, limits <= length, banned)
        values, chosen = (scores[:, :, None] + logs).flatten(1).topk(2 * beam)  # at least K of them go on
        parents, symbols = chosen // choices.shape[2], choices.flatten(1).gather(1, chosen)
        ends = symbols == END
        # the best translation that ends here, of the K best continuations
        ended = (values[:, :beam] / _divisor(length, penalty)).masked_fill(~ends[:, :beam], -torch.inf)
        score, rank = ended.max(1)
        rows = torch.nonzero(is_open & (score > best[places]))[:, 0]
        best[places[rows]] = score[rows]
        found[places[rows], : length - 1] = written[rows, parents[rows, rank[rows]]]
        found[places[rows], length - 1] = END
        # the K best that go on
        scores, kept = values.masked_fill(ends, -torch.inf).topk(beam)
        parents, latest = parents.gather(1, kept), symbols.gather(1, kept)
        if beam > 1:  # else each goes on itself
            written, state = map_tensors(lambda tensor, parents=parents: _of_parents(tensor, parents), (written, state))
        written = torch.cat([written, latest[:, :, None]], 2)
        hope = scores[:, 0] / _divisor(limits, penalty)
        is_open = is_open & (hope > best[places])
        if beam == 1:
            is_open = is_open & (best[places] == -torch.inf)
        if not is_open.any():
            break
        if (~is_open).float().mean() >= DONE:
            rows = torch.nonzero(is_open)[:, 0]
            parts = (places, scores, latest, written, limits, state, memory)
            places, scores, latest, written, limits, state, memory = map_tensors(
                lambda tensor, rows=rows: tensor.index_select(0, rows), parts
            )
            is_open = is_open[rows]
    return found[:, : int((found != 0).sum(1).max())]


def _best(logits: Tensor, count: int, at_limit: Tensor, banned: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the log-probabilities of each beam's most probable symbols, and these, [B, K, N] each.

    Banned symbols never follow; at the limit [B] the end alone does. (Only what is chosen is normalized: a pass
    over all symbols takes as long as the network's step. So logits are changed in place.)
    """
    logits = logits.float()
    total = logits.logsumexp(2, keepdim=True)
    logits.index_fill_(2, banned, -torch.inf)
    if at_limit.any():
        others = torch.arange(logits.shape[2], device=logits.device) != END
        logits.masked_fill_(at_limit[:, None, None] & others, -torch.inf)
    values, symbols = logits.topk(min(count, logits.shape[2]))
    return values - total, symbols


def _divisor(length: Any, penalty: float) -> Any:
    return ((5 + length) / 6) ** penalty


def _of_parents(values: Tensor, parents: Tensor) -> Tensor:
    """Returns, for each continuation, the entry [...] of values [B, K, ...] of the beam that it continues [B, K]."""
    first = torch.arange(len(values), device=values.device)[:, None] * values.shape[1]
    return values.flatten(0, 1).index_select(0, (first + parents).flatten()).view(values.shape)
