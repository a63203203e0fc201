"""Lines for the user about pictures that have been predicted and look unlike those that a network was trained on."""

from collections.abc import Sequence

from core.terminal.printable import counted

CLEARLY = 0.15  # distance from the middle at which grey training pictures are dark or light as a whole
DARK = 2  # bits that pictures leave unused at least, so that none is brighter than a quarter of white


def note_negatives(means: Sequence[float], learned: float, inverted: bool = False) -> list[str]:
    """Returns a line if most grey pictures are nearer to the training pictures as negatives, such as ink on paper.

    Args:
        means: Mean of the pixels of each picture, in [0, 1].
        learned: Mean of the training pictures' pixels, in [0, 1].
        inverted: Whether the pictures are negatives of the files.
    """
    negatives = sum(abs(1 - mean - learned) < abs(mean - learned) for mean in means)
    if abs(learned - 0.5) < CLEARLY or 2 * negatives <= len(means):
        return []
    there, here = ("light on dark", "dark on light") if learned < 0.5 else ("dark on light", "light on dark")
    how, way_out = (
        (", inverted,", "without --invert they are taken as they are")
        if inverted
        else ("", "--invert predicts their negatives")
    )
    return [
        f"note     {negatives:,} of {len(means):,} pictures{how} look {here}, and the network was trained on {there}: "
        f"{way_out}"
    ]


def note_ranges(depths: Sequence[int], bits: int) -> list[str]:
    """Returns a line if pictures of 16 bits are all much darker than white, or some brighter.

    Args:
        depths: Bits in use in each picture whose file does not say how many there are.
        bits: Bits that they have been read with.
    """
    white, deepest = 2**bits - 1, max(depths, default=bits)
    if deepest <= bits - DARK:
        return [
            f"note     {counted(len(depths), 'picture')} of 16 bits use at most {deepest} of them, and were read "
            f"with white at {white:,}: too dark, if white is {2**deepest - 1:,} in them; then convert them to 8 bits"
        ]
    brighter = sum(depth > bits for depth in depths)
    if brighter:
        return [
            f"note     {counted(brighter, 'picture')} of 16 bits have values above {white:,}, which is white by the "
            f"pictures that the network was trained on: these are cut; multiply by "
            f"{white / (2**deepest - 1):.3g} before"
        ]
    return []
