"""What the scores of captions are compared with: captions that know less of the picture, and people."""

from collections import Counter
from collections.abc import Mapping, Sequence

import torch

from lightning_modules.tasks.caption_scores import Words, scores, scores_of_people

COMPARED = {
    "shuffled": "its captions, of other pictures",
    "constant": "the caption it writes most often, of all",
    "neighbour": "a caption of the nearest training picture",
    "person": "a person against the others",
}
KEPT = ("bleu4", "cider_d")  # scores by which they are compared


def language_alone(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """Returns the scores of captions that stand in the places of others, which language alone gives, as `shuffled`."""
    order = torch.randperm(len(captions), generator=torch.Generator().manual_seed(0)).tolist()
    following = dict(zip(order, order[1:] + order[:1], strict=True))  # one circle through all
    moved = [captions[following[place]] for place in range(len(captions))]
    return _named("shuffled", scores(moved, references, chrf=False))


def controls(
    captions: Sequence[Words], references: Sequence[Sequence[Words]], neighbours: Sequence[Words] | None
) -> dict[str, float]:
    """Returns the scores of what captions of a test are compared with, by names such as `bleu4_person`.

    Args:
        captions: The words of the captions.
        references: The words of the captions by people of each picture.
        neighbours: The words of a caption of the nearest training picture, if these are known.
    """
    (constant, _), *_ = Counter(map(tuple, captions)).most_common()
    found = _named("constant", scores([constant] * len(captions), references, chrf=False))
    if neighbours is not None:
        found |= _named("neighbour", scores(neighbours, references, chrf=False))
    return found | _named("person", scores_of_people(references))


def _named(kind: str, found: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_{kind}": found[name] for name in KEPT if name in found}
