"""Synthetic tunes: two parts of eight bars over common chords, in six metres and keys, with repeated phrases."""

import random
from fractions import Fraction

from datamodules.tunes.keys import LETTERS
from datamodules.tunes.notation import Tune, length_token

KEYS = ("G", "D", "A", "C", "Em", "Am")
METRES = ("4/4", "6/8", "3/4", "2/4")
CELLS = {  # ways to fill a beat, in eighths
    2: ((2,), (1, 1)),
    3: ((3,), (2, 1), (1, 1, 1)),
}
BEATS = {"4/4": (2, 2, 2, 2), "6/8": (3, 3), "3/4": (2, 2, 2), "2/4": (2, 2)}
CHORDS = {"major": ((0, ""), (3, ""), (4, "7"), (0, "")), "minor": ((0, "m"), (3, "m"), (4, "m"), (0, "m"))}


def synthetic_tunes(n: int, seed: int) -> list[Tune]:
    """Returns tunes of the form AABB: four phrases a part, of which the third repeats the first.

    Every bar is right, and notes on a bar's first beat belong to its chord, so that a model with a longer memory
    predicts better.

    Args:
        n: Number of tunes.
        seed: Seed of all random choices.
    """
    rng = random.Random(seed)
    return [_tune(rng) for _ in range(n)]


def _tune(rng: random.Random) -> Tune:
    key, metre = rng.choice(KEYS), rng.choice(METRES)
    body: list[str] = []
    for part in range(2):
        phrase = _phrase(rng, key, metre)
        answer, ending = _phrase(rng, key, metre), _phrase(rng, key, metre, closes=True)
        bars = [*phrase, *answer[:2], *phrase[:2], *ending[2:]]
        body.append("|:" if part == 0 else "::")
        for number, bar in enumerate(bars):
            body += ["|"] * (number > 0) + bar
    return Tune(metre, Fraction(1, 8), key, (*body, ":|"))


def _phrase(rng: random.Random, key: str, metre: str, closes: bool = False) -> list[list[str]]:
    """Returns four bars; those that close a part end on the first note of the key."""
    tonic = LETTERS.index(key[0])
    bars = []
    for number, (degree, quality) in enumerate(CHORDS["minor" if key.endswith("m") else "major"]):
        root = tonic + degree
        bar = [f'"{LETTERS[root % 7]}{quality}"']
        if quality == "7" and key in ("D", "A") and LETTERS[root % 7] in "FCG":
            bar = [f'"{LETTERS[root % 7]}#{quality}"']
        step = root + rng.choice((0, 2, 4))
        for beat, eighths in enumerate(BEATS[metre]):
            last = closes and number == 3 and beat == len(BEATS[metre]) - 1
            for length in (eighths,) if last else rng.choice(CELLS[eighths]):
                step = tonic + 7 if last else min(13, max(1, step))
                bar += [_note(step), length_token(Fraction(length))]
                step += rng.choice((-2, -1, -1, 1, 1, 2))
        bars.append([token for token in bar if token])
    return bars


def _note(step: int) -> str:
    """Returns the note so many steps above C."""
    octave, letter = divmod(step, 7)
    return LETTERS[letter] if octave == 0 else LETTERS[letter].lower() + "'" * (octave - 1)
