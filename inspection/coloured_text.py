"""Texts whose words or characters are coloured by numbers, as pictures."""

from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.patches import Rectangle
from torch import Tensor

from callbacks.media.titles import plain
from core.terminal.printable import columns, cut_to

COLUMNS = 100  # characters of a line
SIDE = 0.083  # inches that a character is wide
LINE = 0.19  # inches that a line is high
MARKS = {"\n": "↵", "\t": "→", " ": " "}


def draw_text(parts: Sequence[str], values: Tensor, title: str, apart: bool = True) -> MatplotlibFigure:
    """Draws parts of a text on backgrounds from blue (negative) over white (0) to red (positive).

    Args:
        parts: Words or characters.
        values: A number for each, float32 [N]; the largest by amount has the full colour.
        title: Title.
        apart: Whether there is a blank between two parts, as between words; else a line ends behind a newline.
    """
    places = _laid_out(parts, apart)
    lines = 1 + max((line for line, _, _ in places), default=0)
    figure = MatplotlibFigure(figsize=(SIDE * COLUMNS + 0.3, LINE * lines + 0.35), dpi=120)
    axes = figure.add_axes((0.0, 0.0, 1.0, LINE * lines / (LINE * lines + 0.35)))
    axes.set(xlim=(-1, COLUMNS + 1), ylim=(lines, 0))
    axes.axis("off")
    scaled = values / values.abs().max().clamp(min=1e-12)
    palette = colormaps["bwr"]
    for (line, column, text), value in zip(places, scaled.tolist(), strict=True):
        colour = palette(0.5 + 0.42 * value)
        axes.add_patch(Rectangle((column, line), _width(text), 1, facecolor=colour, linewidth=0))
        how = {"family": "monospace", "fontsize": 9.5, "va": "center"}
        if columns(text) == len(text):
            axes.text(column, line + 0.5, plain(text), ha="left", **how)
            continue
        for letter in _letters(text):  # fonts differ in how wide a wide letter is: each has its own place
            axes.text(column + _width(letter) / 2, line + 0.5, plain(letter), ha="center", **how)
            column += _width(letter)
    figure.suptitle(plain(title), fontsize=9, x=0.01, ha="left", y=0.995)
    return figure


def _width(text: str) -> int:
    """Returns the columns of a text, at least one, which a mark without its letter takes."""
    return max(1, columns(text))


def _letters(text: str) -> list[str]:
    """Returns the letters of a text, each with the marks on it."""
    found: list[str] = []
    for one in text:
        if found and not columns(one):
            found[-1] += one
        else:
            found.append(one)
    return found


def _laid_out(parts: Sequence[str], apart: bool) -> list[tuple[int, int, str]]:
    """Returns line, column and shown text of each part."""
    places, line, column = [], 0, 0
    for part in parts:
        shown = cut_to("".join(MARKS.get(one, one if one.isprintable() else "□") for one in part), COLUMNS)
        if column + _width(shown) > COLUMNS:
            line, column = line + 1, 0
        places.append((line, column, shown))
        column += _width(shown) + apart
        if not apart and part.endswith("\n"):
            line, column = line + 1, 0
    return places
