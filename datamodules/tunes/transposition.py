"""The keys in which training tunes are shown."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from datamodules.tunes.keys import place_of, shifts, transposed
from datamodules.tunes.notation import Tune

Keys = Literal["none", "usual", "all"]


def moved(tune: Tune, by: int) -> Tune | None:
    """Returns a tune transposed by so many fifths; None if a note would need three accidentals."""
    tokens = transposed(tune.tokens, by)
    return tokens and Tune(tune.metre, tune.unit, tokens[2][2:-1], tokens[3:], tune.title)


def in_keys(tunes: Sequence[Tune], keys: Keys) -> tuple[list[list[Tune]], list[list[float]]]:
    """Returns each tune in each of its keys, its own first, and how often each key is wanted.

    Args:
        tunes: The tunes.
        keys: Its own alone (`none`), the twelve of its mode, each as often (`all`), or those of them that tunes have,
            as often as these have them (`usual`).
    """
    counts = Counter(place_of(tune.key) for tune in tunes)
    every, weights = [], []
    for tune in tunes:
        place = place_of(tune.key)
        found, wanted = [tune], [float(counts[place])]
        changes = [token[3:-1] for token in tune.body if token.startswith("[K:")]
        for by in shifts([tune.key, *changes]) if keys != "none" and place is not None else ():
            weight = counts[place[0] + by, place[1]]
            other = moved(tune, by) if by and (weight or keys == "all") else None
            if other is not None:
                found.append(other)
                wanted.append(float(weight))
        every.append(found)
        weights.append(wanted if keys == "usual" else [1.0] * len(found))
    return every, weights
