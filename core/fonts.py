"""Letters of every script in figures: matplotlib's own font has Latin, Greek and Cyrillic ones alone."""

import contextlib
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from core.terminal.console import print_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Fonts with Chinese, Japanese and Korean letters that systems bring, or packages such as Debian's fonts-noto-cjk.
WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP"),
    *("Noto Sans KR", "Noto Serif CJK SC", "Noto Serif CJK JP", "Source Han Sans SC", "Source Han Sans CN"),
    *("Source Han Sans", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "AR PL UMing CN"),
    *("Microsoft YaHei", "SimHei", "SimSun", "DengXian", "Yu Gothic", "Meiryo", "MS Gothic", "Malgun Gothic"),
    *("PingFang SC", "Heiti SC", "Heiti TC", "STHeiti", "Songti SC", "Hiragino Sans GB", "Hiragino Sans"),
    *("Apple SD Gothic Neo", "IPAGothic", "IPAexGothic", "TakaoGothic", "NanumGothic", "Unifont", "Arial Unicode MS"),
)
FIRST_BEYOND = 0x0530  # Latin, Greek and Cyrillic letters come before
MISSING = r"Glyph (\d+) .* missing from"  # as matplotlib warns of a letter that no font has


@contextmanager
def all_letters(figure: "Figure") -> Iterator[None]:
    """While a figure is drawn, takes letters that the usual font lacks from one that the system has.

    Without such a font they are drawn as boxes; in place of matplotlib's warnings, one for each letter, a line says
    once which font to install.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if any(ord(letter) >= FIRST_BEYOND for letter in text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), *installed()])
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message=MISSING, category=UserWarning)
        yield
    missing: list[str] = []
    for one in caught:
        if found := re.match(MISSING, str(one.message)):
            missing.append(chr(int(found[1])))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    missing = [letter for letter in missing if letter.isprintable()]  # no font has control characters
    if missing:
        _say_what_to_install(any(one.isalpha() and unicodedata.east_asian_width(one) in "WF" for one in missing))


@cache
def _say_what_to_install(wide: bool) -> None:
    """Says, once a process, that figures have boxes, and what to do about it."""
    kind, what = ("Chinese, Japanese or Korean", "Noto Sans CJK (Debian, Ubuntu: apt install fonts-noto-cjk)")
    if not wide:
        kind, what = ("some", "a font of their script, such as one of Noto's (Debian, Ubuntu: apt install fonts-noto)")
    print_line(f"note     figures have boxes for {kind} letters, which no font here has: install {what}")


@cache
def installed() -> tuple[str, ...]:
    """Returns those of `WIDE` that are there, also those that matplotlib's list of fonts is too old to have."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    found = _known()
    if not found:
        listed = {font.fname for font in fontManager.ttflist}
        for path in findSystemFonts():
            if path not in listed:
                with contextlib.suppress(Exception):  # a file that is no font, or of a kind that cannot be read
                    fontManager.addfont(path)
        found = _known()
    return found


def _known() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return tuple(name for name in WIDE if name in known)
