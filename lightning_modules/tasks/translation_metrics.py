"""Running metrics of translation: cross-entropy by symbol, and BLEU, chrF and correctness of whole translations.

BLEU: Kishore Papineni et al., 2002; chrF: Maja Popović, 2015; both by sacreBLEU (Matt Post, 2018, arXiv:1804.08771).
Its statistics of single sentences are kept, so that sums over several processes are exact and intervals can be
estimated by drawing sentences (Philipp Koehn, 2004).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities.data import dim_zero_cat

from lightning_modules.tasks.metrics import SummedMetrics
from lightning_modules.tasks.sacrebleu_metrics import bleu_and_chrf, signatures_of

DRAWS = 1000  # of all sentences, for an interval
SCORES = ("bleu", "bleu_lower", "chrf")


@cache
def scorers() -> dict[str, Any]:
    """Returns sacreBLEU's scorers by measure: BLEU on letters as they are and in lower case, and chrF.

    Raises:
        InputError: It is not installed.
    """
    bleu, chrf = bleu_and_chrf("model.scoring translation")
    return {"bleu": bleu(tokenize="13a"), "bleu_lower": bleu(tokenize="13a", lowercase=True), "chrf": chrf()}


def signatures() -> dict[str, str]:
    """Returns sacreBLEU's signature of each measure."""
    return signatures_of(scorers())


class TokenMetrics(SummedMetrics):
    """Mean cross-entropy over symbols, in nats, and the perplexity."""

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        figures = super()._figures(count)
        return figures | {"perplexity": figures["loss"].exp()}


class WordMetrics(TokenMetrics):
    """Cross-entropy, and the share of outputs that are wholly right: of all, and of inputs that training lacks.

    Where training lacks none, `right_unseen` is left out.
    """

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("rows", [], dist_reduce_fx="cat")

    def add(self, outputs: Sequence[str], references: Sequence[str], seen: Tensor, index: Tensor) -> None:
        """Adds the outputs of a batch.

        Args:
            outputs: The outputs.
            references: What they should be.
            seen: Whether training has the input, bool [B].
            index: Place of each in its split, int64 [B].
        """
        right = [output == reference for output, reference in zip(outputs, references, strict=True)]
        self.rows.append(torch.stack([index.cpu(), torch.tensor(right).long(), seen.cpu().long()], 1).to(self.device))

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        figures = super()._figures(count)
        if not len(self.rows):
            return figures
        right, seen = dim_zero_cat(self.rows)[:, 1:].T
        of_unseen = right[seen == 0].float()
        figures["right"] = right.float().mean()
        return figures | ({"right_unseen": of_unseen.mean()} if len(of_unseen) else {})


class TranslationMetrics(TokenMetrics):
    """Cross-entropy, and BLEU and chrF of translations, from 0 to 100.

    Args:
        persistent: Save the sums in checkpoints.
        intervals: Whether half the width of BLEU's 95 % interval is estimated, too.
    """

    def __init__(self, persistent: bool = False, intervals: bool = False) -> None:
        super().__init__(persistent)
        self.intervals = intervals
        self.add_state("rows", [], dist_reduce_fx="cat")

    def add(self, outputs: Sequence[str], references: Sequence[str], seen: Tensor, index: Tensor) -> None:
        """Adds the translations of a batch; arguments as in `WordMetrics`."""
        parts = [index.cpu()[:, None]]
        for scorer in scorers().values():
            # private, but what its own bootstrap sums; a test compares the results with its public score
            parts.append(torch.tensor(scorer._extract_corpus_statistics(outputs, [references])))
        self.rows.append(torch.cat(parts, 1).to(self.device))

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        figures = super()._figures(count)
        if not len(self.rows):
            return figures
        rows = dim_zero_cat(self.rows).cpu()
        rows = rows[rows[:, 0].argsort()]  # the order in which processes and batches had them changes nothing
        for name, part in zip(SCORES, rows[:, 1:].split([10, 10, rows.shape[1] - 21], 1), strict=True):
            figures[name] = _score(name, part.sum(0))
            if self.intervals and name != "chrf":
                figures[f"{name}_interval"] = _interval(name, part)
        return figures


def _score(name: str, sums: Tensor) -> Tensor:
    return torch.tensor(scorers()[name]._compute_score_from_stats(sums.tolist()).score)


def _interval(name: str, rows: Tensor) -> Tensor:
    """Returns half the width of the 95 % interval of a score, of the statistics [N, C] of sentences."""
    draws = torch.randint(len(rows), (DRAWS, len(rows)), generator=torch.Generator().manual_seed(0))
    scores = torch.stack([_score(name, rows[draw].sum(0)) for draw in draws]).sort().values
    low, high = (scores[round(part * (DRAWS - 1))] for part in (0.025, 0.975))
    return (high - low) / 2
