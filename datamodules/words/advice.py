"""What is said of a text that word vectors are learned from: what its vocabulary covers, and settings that fit it."""

import re

from core.errors import InputError
from datamodules.words.counts import CountedWords, describe
from datamodules.words.stream import Rule, keeping_probabilities

SMALL = 10**6  # words, below which every one counts
LARGER = (1e-3, 1e-2, 0.0)  # shares for `subsample` that keep more of a small text
BLANKLESS = ("word", "letters")  # tokenizers that need blanks between words
CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def notes_on(counted: CountedWords, subsample: float, rule: Rule, tokenizer: str, to_learn: bool = True) -> list[str]:
    """Returns lines for the user.

    Args:
        counted: The text.
        subsample: Share of the text above which a word is left out now and then.
        rule: How often.
        tokenizer: How words were found.
        to_learn: Whether vectors are learned from the text.

    Raises:
        InputError: They are, and less than a pair of words is kept in an epoch.
    """
    n = len(counted.documents.tokens)
    lines = [describe(counted)]

    def kept(share: float) -> float:
        return float((counted.counts * keeping_probabilities(counted.counts, share, rule)).sum()) / n

    if n and (left := kept(subsample)) < 0.5 and (n < SMALL or left * n < 2):
        better = next(share for share in LARGER if not share or (share > subsample and kept(share) >= 0.5))
        way_out = f"--data.subsample {better:g} leaves out {1 - kept(better):.0%}"
        if to_learn and left * n < 2:
            raise InputError(f"data.subsample {subsample:g} leaves no pair of the text's {n:,} words; {way_out}")
        lines.append(f"data.subsample {subsample:g} leaves out {1 - left:.0%} of these words, which are few; {way_out}")
    numbers = zip(counted.words, counted.counts.tolist(), strict=True)
    chinese = sum(number for word, number in numbers if not word.isascii() and CHINESE.search(word))
    if tokenizer in BLANKLESS and 2 * chinese > n:
        lines.append("the text is Chinese, without blanks between words; --data.encoding.tokenizer jieba finds words")
    return [f"note     {line}" for line in lines]
