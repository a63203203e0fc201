r"""Patterns of words, which go on over combining marks: vowels of Hindi and Thai, accents that stand for themselves.

To `\w` these are no letters, and would cut a word.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, cached_property

FIRST, LAST = 0x300, 0x20000  # code points among which combining marks are
OTHERS = "\U000e0100-\U000e01ef"  # and those that choose the glyph of a letter


class Words:
    r"""A regular expression, in which `RUN` stands for letters that follow each other, with the marks on them.

    Args:
        form: The expression.
        letter: What a letter is; digits and `_` by default, too, as `\w` has it.
    """

    def __init__(self, form: str, letter: str = r"\w") -> None:
        self._form = form
        self._letter = letter
        self._plain = re.compile(form.replace("RUN", f"{letter}+"))

    def findall(self, text: str, combining_marks: bool = True) -> list[str]:
        """Returns all matches in a text, of words that are cut at marks if these do not count."""
        return (self._marked if combining_marks and not text.isascii() else self._plain).findall(text)

    def match(self, text: str) -> re.Match[str] | None:
        """Returns the match at the beginning of a text."""
        return (self._plain if text.isascii() else self._marked).match(text)

    def any_combining_marks(self, texts: Iterable[str]) -> bool:
        """Returns whether words of any text go on over a combining mark.

        A vocabulary that was learned where none does is the same for words that are cut at marks. It says nothing of
        marks, as those of earlier releases, which cut words.
        """
        return any(self._mark_behind.search(text) for text in texts if not text.isascii())

    @cached_property
    def _mark_behind(self) -> re.Pattern[str]:
        return re.compile(f"{self._letter}[{_combining_marks()}]")  # not that of an emoji, which is no word

    @cached_property
    def _marked(self) -> re.Pattern[str]:
        # the look ahead spares most ends of words the long list of marks
        run = f"{self._letter}+(?:(?=[^\0-{chr(FIRST - 1)}])[{_combining_marks()}]+{self._letter}*)*"
        return re.compile(self._form.replace("RUN", run))


@cache
def _combining_marks() -> str:
    """Returns the combining marks (Mn and Mc) as ranges of a regular expression; takes a few hundredths of a second."""
    points = [point for point in range(FIRST, LAST) if unicodedata.category(chr(point)) in ("Mn", "Mc")]
    begins = [point for point, before in zip(points, [0, *points[:-1]], strict=True) if point > before + 1]
    ends = [point for point, after in zip(points, [*points[1:], LAST + 1], strict=True) if after > point + 1]
    return "".join(f"{chr(begin)}-{chr(end)}" for begin, end in zip(begins, ends, strict=True)) + OTHERS
