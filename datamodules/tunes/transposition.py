"""The keys in which training tunes are shown."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from datamodules.tunes.keys import place_of, shifts, transposed
from datamodules.tunes.notation import Tune

Keys = Literal["none", "usual", "all"]


def wanted_keys(tunes: Sequence[Tune], keys: Keys) -> tuple[list[int], Tensor]:
    """Returns by how many fifths tunes are transposed, and how often each of these is wanted of each tune.

    Args:
        tunes: The tunes.
        keys: Its own alone (`none`), the twelve of its mode, each as often (`all`), or those of them that tunes have,
            as often as these have them (`usual`).

    Returns:
        The shifts, 0 first, and weights, float32 [N, K]: 0 for keys that are not wanted of a tune, or in which a note
        would need three accidentals.
    """
    counts = Counter(place_of(tune.key) for tune in tunes)
    wanted: list[dict[int, float]] = []
    for tune in tunes:
        place, distinct = place_of(tune.key), tuple(set(tune.tokens))
        changes = [token[3:-1] for token in distinct if token.startswith("[K:")]
        of_tune = {0: float(counts[place]) if keys == "usual" else 1.0}
        for by in shifts([tune.key, *changes]) if keys != "none" and place is not None else ():
            weight = float(counts[place[0] + by, place[1]]) if keys == "usual" else 1.0
            if by and weight and transposed(distinct, by) is not None:
                of_tune[by] = weight
        wanted.append(of_tune)
    found = sorted({by for of_tune in wanted for by in of_tune} | {0}, key=lambda by: (by != 0, by))
    weights = [[of_tune.get(by, 0.0) for by in found] for of_tune in wanted]
    return found, torch.tensor(weights).view(len(tunes), len(found))


def tokens_in_keys(tunes: Sequence[Tune], by: Sequence[int], weights: Tensor) -> set[str]:
    """Returns all tokens of tunes in the keys that are wanted of them, by shifts and weights [N, K]."""
    tokens: set[str] = set()
    for tune, of_tune in zip(tunes, weights.tolist(), strict=True):
        distinct = tuple(set(tune.tokens))
        for shift, weight in zip(by, of_tune, strict=True):
            tokens.update(transposed(distinct, shift) if weight and shift else distinct if weight else ())
    return tokens
