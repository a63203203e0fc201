"""Letters of every script in figures: matplotlib's own font has Latin, Greek and Cyrillic ones alone."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Fonts with Chinese, Japanese and Korean letters that systems bring, or packages such as Debian's fonts-noto-cjk.
WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "PingFang SC"),
    *("Heiti SC", "Hiragino Sans GB", "Arial Unicode MS"),
)
FIRST_BEYOND = 0x0530  # Latin, Greek and Cyrillic letters come before


@contextmanager
def all_letters(figure: "Figure") -> Iterator[None]:
    """While a figure is drawn, takes letters that the usual font lacks from one that the system has.

    Without such a font they are drawn as boxes, and matplotlib's warnings, one for each letter, are not shown.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if any(ord(letter) >= FIRST_BEYOND for letter in text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), *installed()])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield


@cache
def installed() -> tuple[str, ...]:
    """Returns those of `WIDE` that are there."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return tuple(name for name in WIDE if name in known)
