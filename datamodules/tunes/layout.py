"""Tidied tunes laid out as people write them: with beams, lines of a few bars, a number and a title."""

from fractions import Fraction

from datamodules.tunes.bars import BarClock
from datamodules.tunes.notation import SOUNDING, NoTune, kind_of
from datamodules.tunes.reading import read_tune

BARS = 4  # of a line
FIRST = ("name", "group", *SOUNDING)  # kinds before which there may be a space


def beat_of(metre: str) -> Fraction:
    """Returns how much of a bar is beamed together, as a part of a whole note."""
    count, _, part = metre.partition("/")
    if not part:
        return Fraction(1, 4)
    if int(count) % 3 == 0 and int(count) > 3:
        return Fraction(3, int(part))
    return Fraction(1, 2) if metre == "2/2" else max(Fraction(1, 4), Fraction(1, int(part)))


def laid_out(text: str, number: int) -> str:
    """Returns a tune as it stands in an ABC file.

    Args:
        text: Header and body; what is no tune is returned as it is, below number and title, `Tune` and the number.
        number: Its number in the file.
    """
    head = f"X:{number}\nT:Tune {number}\n"
    try:
        tune = read_tune(text)
    except NoTune:
        return head + text
    clock, lines, line, written = BarClock(), [], "", 0
    for token in tune.header:
        clock.take(token)
    for token in tune.body:
        at_beat = clock.filled > 0 and clock.filled % beat_of(clock.metre) == 0
        if at_beat and not clock.group and kind_of(token) in FIRST and not line.endswith((" ", '"')):
            line += " "
        clock.take(token)
        line += token
        if kind_of(token) == "bar" and len(clock.bars) >= written + BARS:
            lines, line, written = [*lines, line], "", len(clock.bars)
    lines += [line] if line else []
    return head + "".join(tune.header) + "\n".join(lines)
