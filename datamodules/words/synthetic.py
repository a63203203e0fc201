"""A made-up language in which similar words and analogies are known, for word vectors."""

import random
from itertools import combinations, product

import torch

from datamodules.words.batches import AnalogyBatch, SimilarityBatch
from datamodules.words.evaluations import WordTest

KINDS = ("country", "capital", "river", "people", "language", "dish")
ENDINGS = ("ia", "opol", "ara", "ians", "ish", "ola")  # of the names, by kind
FAMILIES = ("bor", "cal", "dun", "fen", "gal", "hel", "jor", "kar", "lum", "mer", "nor", "pel")
ABOUT_KINDS = (  # words that stand near names of a kind
    ("border", "government", "flag"), ("streets", "mayor", "towers"), ("flows", "banks", "bridge"),
    ("sing", "dance", "travel"), ("speak", "grammar", "vowels"), ("taste", "recipe", "plate"),
)  # fmt: skip
ABOUT_FAMILIES = tuple(
    tuple(f"{stem}{family}" for stem in ("wind", "stone", "song", "tree")) for family in FAMILIES
)  # words that stand near names of a family
FILLERS = ("the", "of", "and", "in", "a", "is", "with", "for", "near", "from")
MEMBERS = 3  # words about kind and family beside each name


def name(kind: int, family: int) -> str:
    """Returns the name of a family's member of a kind, such as `boria`, a country."""
    return FAMILIES[family] + ENDINGS[kind]


def synthetic_sentences(n: int, seed: int) -> list[str]:
    """Returns sentences about names, each of which has a kind and a family.

    A name stands among words about its kind and words about its family, so that its vector is about their sum, as
    that of an English word is of what it means.

    Args:
        n: Number of sentences.
        seed: Seed of all random choices.
    """
    rng = random.Random(seed)
    return [_sentence(rng) for _ in range(n)]


def _sentence(rng: random.Random) -> str:
    kind, family = rng.randrange(len(KINDS)), rng.randrange(len(FAMILIES))
    words = [name(kind, family), *rng.choices(ABOUT_KINDS[kind], k=MEMBERS)]
    words += [*rng.choices(ABOUT_FAMILIES[family], k=MEMBERS), *rng.choices(FILLERS, k=2)]
    rng.shuffle(words)
    return " ".join(words)


def synthetic_tests(numbers: dict[str, int]) -> dict[str, list[WordTest]]:
    """Returns tests of these names: similarities for validation, analogies and other similarities for the test.

    Two names are as similar as kind and family that they share.

    Args:
        numbers: Number of each word of the vocabulary.
    """
    members = list(product(range(len(KINDS)), range(len(FAMILIES))))
    pairs, scores = [], []
    for (kind, family), (other_kind, other_family) in combinations(members, 2):
        pairs.append([numbers.get(name(kind, family), -1), numbers.get(name(other_kind, other_family), -1)])
        scores.append(float(kind == other_kind) + (family == other_family))
    words, judged = torch.tensor(pairs), torch.tensor(scores, dtype=torch.float64)
    known = (words >= 0).all(1)
    part = torch.randperm(len(words), generator=torch.Generator().manual_seed(0)) % 2

    def similarities(test: str, chosen: torch.Tensor) -> WordTest:
        return WordTest(SimilarityBatch(test, words[chosen & known], judged[chosen & known]), int(chosen.sum()))

    questions, kinds, names = [], [], tuple(f"{a}-{b}" for a, b in combinations(KINDS, 2))
    for number, (a, b) in enumerate(combinations(range(len(KINDS)), 2)):
        for first, second in combinations(range(len(FAMILIES)), 2):
            asked = (name(a, first), name(b, first), name(a, second), name(b, second))
            questions.append([numbers.get(word, -1) for word in asked])
            kinds.append(number)
    asked_words, asked_kinds = torch.tensor(questions), torch.tensor(kinds)
    whole = (asked_words >= 0).all(1)
    analogies = WordTest(AnalogyBatch("analogies", asked_words[whole], asked_kinds[whole], names), len(asked_words))
    return {
        "val": [similarities("similarities", part == 0)],
        "test": [similarities("other-similarities", part == 1), analogies],
    }
