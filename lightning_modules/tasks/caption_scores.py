"""Scores of captions against those that several people wrote: BLEU, chrF and CIDEr-D, of words in lower case.

BLEU: Kishore Papineni et al., 2002; chrF: Maja Popović, 2015; both by sacreBLEU (Matt Post, 2018, arXiv:1804.08771).
CIDEr-D: Ramakrishna Vedantam, Lawrence Zitnick and Devi Parikh, "CIDEr: Consensus-based Image Description Evaluation",
2015, arXiv:1411.5726. BLEU and CIDEr-D equal those of pycocoevalcap on the same words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from math import exp, log
from typing import Any

from lightning_modules.tasks.sacrebleu_metrics import bleu_and_chrf, signatures_of

Words = Sequence[str]
LONGEST = 4  # words of an n-gram
DEVIATION = 6.0  # of lengths, in the penalty of CIDEr-D
Gram = tuple[str, ...]
Vector = dict[Gram, float]


@cache
def scorers() -> dict[str, Any]:
    """Returns sacreBLEU's scorers by measure.

    Raises:
        InputError: It is not installed.
    """
    bleu, chrf = bleu_and_chrf("measuring captions")
    return {"bleu4": bleu(tokenize="none", force=True, smooth_method="none"), "chrf": chrf()}


def signatures(references: int) -> dict[str, str]:
    """Returns sacreBLEU's signature of each measure, for pictures with so many captions by people."""
    return signatures_of(scorers(), references)


def scores(captions: Sequence[Words], references: Sequence[Sequence[Words]], chrf: bool = True) -> dict[str, float]:
    """Returns the scores of captions of at least one picture.

    Args:
        captions: The words of one caption of each picture.
        references: Those of its captions by people.
        chrf: Whether chrF is among them, which takes longest.

    Returns:
        `bleu1` to `bleu4` and `chrf`, from 0 to 100, and `cider_d`, of which 10 is the most.
    """
    scorer = scorers()["bleu4"]
    texts = [" ".join(words) for words in captions]
    most = max(map(len, references))
    columns = [[" ".join(several[k]) if k < len(several) else None for several in references] for k in range(most)]
    counts = scorer.corpus_score(texts, columns)
    found = {f"bleu{n}": _bleu(scorer, counts, n) for n in range(1, LONGEST + 1)}
    found["cider_d"] = sum(cider_d(captions, references)) / len(captions)
    return found | {"chrf": scorers()["chrf"].corpus_score(texts, columns).score} if chrf else found


def _bleu(scorer: Any, counts: Any, order: int) -> float:
    """Returns BLEU of n-grams up to a length, of the counts of all lengths."""
    return scorer.compute_bleu(
        counts.counts, counts.totals, counts.sys_len, counts.ref_len, smooth_method="none", max_ngram_order=order
    ).score


def cider_d(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """Returns CIDEr-D of each caption, among the references of all pictures.

    Args:
        captions: The words of one caption of each picture.
        references: Those of its captions by people.
    """
    scorer = CiderD(references)
    return [scorer.scores([words], several)[0] for words, several in zip(captions, references, strict=True)]


class CiderD:
    """CIDEr-D of captions: their likeness to what several people wrote, by n-grams that few pictures share.

    An n-gram weighs less, the more pictures' references have it. Likeness is the cosine of the weights of n-grams,
    none of which counts more often than the reference has it, less for another length; the mean over n of 1 to 4 and
    over references, times 10.

    Args:
        references: The words of the captions by people of each of all pictures.
    """

    def __init__(self, references: Sequence[Sequence[Words]]) -> None:
        pictures = Counter(gram for several in references for gram in {g for words in several for g in _grams(words)})
        self.unseen = log(len(references))
        self.weights = {gram: self.unseen - log(number) for gram, number in pictures.items()}

    def scores(self, captions: Sequence[Words], references: Sequence[Words]) -> list[float]:
        """Returns the scores of captions of one picture, of which people wrote the references."""
        people = [(self._vectors(words), _pairs(words)) for words in references]
        found = []
        for words in captions:
            ours, pairs = self._vectors(words), _pairs(words)
            alike = (
                _likeness(ours, theirs) * exp(-((pairs - other) ** 2) / (2 * DEVIATION**2)) for theirs, other in people
            )
            found.append(10 * sum(alike) / len(references))
        return found

    def _vectors(self, words: Words) -> list[tuple[Vector, float]]:
        """Returns for each n the weighted counts of n-grams, and their norm."""
        parts: list[Vector] = [{} for _ in range(LONGEST)]
        for gram, count in _grams(words).items():
            parts[len(gram) - 1][gram] = count * self.weights.get(gram, self.unseen)
        return [(part, sum(value**2 for value in part.values()) ** 0.5) for part in parts]


def _likeness(one: list[tuple[Vector, float]], other: list[tuple[Vector, float]]) -> float:
    total = 0.0
    for (ours, norm), (theirs, their_norm) in zip(one, other, strict=True):
        shared = sum(min(value, theirs[gram]) * theirs[gram] for gram, value in ours.items() if gram in theirs)
        total += shared / (norm * their_norm) if norm and their_norm else 0.0
    return total / LONGEST


def _pairs(words: Words) -> int:
    """Returns the number of pairs of neighbouring words, by which lengths are compared."""
    return max(0, len(words) - 1)


def _grams(words: Words) -> Counter[Gram]:
    """Returns how often each n-gram of 1 to 4 words occurs."""
    return Counter(_all_grams(words))


def _all_grams(words: Words) -> Iterator[Gram]:
    for n in range(1, LONGEST + 1):
        for start in range(len(words) - n + 1):
            yield tuple(words[start : start + n])


def scores_of_people(references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """Returns the mean scores of each person's captions against those of the others; empty where one wrote alone.

    Args:
        references: The words of several captions by people of each picture; as many as the fewest are used.
    """
    people = min(map(len, references))
    if people < 2:
        return {}
    total: Counter[str] = Counter()
    for person in range(people):
        others = [[words for k, words in enumerate(several[:people]) if k != person] for several in references]
        total.update(scores([several[person] for several in references], others, chrf=False))
    return {name: value / people for name, value in total.items()}
