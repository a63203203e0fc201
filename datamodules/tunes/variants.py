"""Variants of one tune: which tunes belong together, so that no tune is in two parts of a split."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

import torch

from datamodules.tunes.keys import in_first_octave, sharps_of, transposed
from datamodules.tunes.notation import EIGHTH, Tune, rescaled

RUN = 24  # symbols: two tunes that share so many in a row have something in common
SHARED = 0.2  # share of a tune's runs that another has if they are variants of each other
COMMON = 20  # tunes with the same run; a run of more is an idiom, such as a usual end


def plain(tune: Tune, chord_names: bool = False) -> str:
    """Returns the body of a tune without what may differ between copies of it: key, octave and unit.

    Args:
        tune: The tune.
        chord_names: Whether chord names are kept.
    """
    tune = rescaled(tune, EIGHTH)
    tokens = in_first_octave((transposed(tune.tokens, -sharps_of(tune.key)) or tune.tokens)[3:])
    return "".join(token for token in tokens if chord_names or not token.startswith('"'))


def runs(text: str, length: int = RUN) -> set[str]:
    """Returns all runs of so many symbols in a text."""
    return {text[place : place + length] for place in range(len(text) - length + 1)}


def groups(tunes: Sequence[Tune]) -> list[list[int]]:
    """Returns the places of tunes, those of one tune's variants together.

    Variants have the same title, apart from what stands in parentheses, numbers and articles, or the same body in
    whatever key, or share a fifth of the runs of the shorter one.
    """
    parents = list(range(len(tunes)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = place = parents[parents[place]]
        return place

    def join(places: Iterable[int]) -> None:
        first, *rest = places
        for place in rest:
            parents[root(place)] = root(first)

    bodies = [plain(tune) for tune in tunes]
    for keys in ([_title(tune.title) for tune in tunes], bodies):
        for places in _by_key(keys).values():
            join(places)
    having: dict[str, list[int]] = defaultdict(list)
    counts = []
    for place, body in enumerate(bodies):
        found = runs(body)
        counts.append(len(found))
        for run in found:
            having[run].append(place)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for places in having.values():
        if 1 < len(places) <= COMMON:
            for number, one in enumerate(places):
                for other in places[number + 1 :]:
                    shared[one, other] += 1
    for (one, other), count in shared.items():
        if count >= SHARED * min(counts[one], counts[other]):
            join((one, other))
    return list(_by_key([root(place) for place in range(len(tunes))]).values())


def split(tunes: Sequence[Tune], val_share: float, test_share: float, seed: int) -> dict[str, list[int]]:
    """Returns the places of training, validation and test tunes; variants of one tune are in one part.

    Args:
        tunes: All tunes.
        val_share: Share of the tunes for validation.
        test_share: Share of the tunes for the test.
        seed: Seed of the choice.
    """
    together = groups(tunes)
    order = torch.randperm(len(together), generator=torch.Generator().manual_seed(seed)).tolist()
    wanted = {"test": test_share * len(tunes), "val": val_share * len(tunes)}
    parts: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    for number in order:
        group = together[number]
        part = next((name for name, size in wanted.items() if len(parts[name]) + len(group) <= size + 0.5), "train")
        parts[part] += group
    return {name: sorted(places) for name, places in parts.items()}


def _by_key(keys: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(("", place) if key == "" else key, []).append(
            place
        )  # tunes without a title have none in common
    return found


def _title(title: str) -> str:
    """Returns what titles of one tune's variants have in common."""
    title = re.sub(r"\([^)]*\)", " ", title.lower())
    words = re.sub(r"[^a-z ]+", " ", title.replace("'", "")).split()
    return " ".join(word for word in words if word not in ("the", "a", "an", "no", "variant", "version", "variation"))
