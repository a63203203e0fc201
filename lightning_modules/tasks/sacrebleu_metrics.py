"""sacreBLEU's metrics (Matt Post, 2018, arXiv:1804.08771), which are imported only where texts are scored."""

from collections.abc import Mapping
from typing import Any

from core.code.installed import installs
from core.errors import InputError


def bleu_and_chrf(needed_by: str) -> tuple[type, type]:
    """Returns sacreBLEU's classes of BLEU and chrF.

    Args:
        needed_by: What cannot be done without them, for the message.

    Raises:
        InputError: sacreBLEU is not installed.
    """
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise InputError(f"{needed_by} needs sacrebleu; {installs('text')}") from error
    return BLEU, CHRF


def signatures_of(scorers: Mapping[str, Any], references: int = 1) -> dict[str, str]:
    """Returns the signature of each scorer, which says all that its value depends on.

    Args:
        scorers: sacreBLEU's scorers by measure.
        references: How many references a text has.
    """
    marks = {}
    for name, scorer in scorers.items():
        scorer.corpus_score(["a"], [["a"]] * references)  # it knows the number of references only now
        marks[name] = str(scorer.get_signature())
    return marks
