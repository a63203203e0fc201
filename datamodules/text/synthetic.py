"""Texts that are made up: a small language with rules for characters, and documents of mixed topics for classes.

Both need more than counting: what opens must close and names must come again in the sentences, and in documents a "not"
turns the word behind it around.
"""

import random

NAMES = ("anna", "boris", "clara", "david", "elena", "fedor", "greta", "hugo")
VERBS = ("sees", "hears", "meets", "calls", "helps", "finds")
THINGS = ("a red bird", "the old house", "three small boats", "a long letter", "the blue door", "an open road")
BRACKETS = ("()", "[]", "{}")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

TOPICS = (
    ("river", "mountain", "forest", "valley", "meadow", "stone", "cloud", "storm"),
    ("match", "goal", "team", "coach", "league", "player", "score", "season"),
    ("market", "price", "bank", "share", "profit", "trade", "budget", "loan"),
    ("film", "actor", "scene", "music", "theatre", "stage", "singer", "script"),
    ("cell", "planet", "atom", "theory", "method", "energy", "signal", "sample"),
    ("law", "court", "vote", "party", "treaty", "council", "reform", "minister"),
)
FILLERS = (
    "the", "a", "of", "and", "in", "to", "was", "with", "on", "by", "it", "that", "very", "still", "often", "there",
)  # fmt: skip
NEGATION = "not"
NOISE = 0.03  # share of documents with a wrong label


def synthetic_corpus(n: int, seed: int) -> str:
    """Returns about n characters of sentences.

    A sentence that names somebody ends with the same name, brackets close in the order of their kinds, and sums are
    right; so a model that remembers longer predicts better.

    Args:
        n: Number of characters, at least; the last sentence is whole.
        seed: What they follow from.
    """
    rng = random.Random(seed)
    sentences: list[str] = []
    length = 0
    while length < n:
        sentences.append(_sentence(rng))
        length += len(sentences[-1]) + 1
    return " ".join(sentences) + "\n"


def _sentence(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        a, b = rng.randrange(5), rng.randrange(5)
        return f"{DIGITS[a]} and {DIGITS[b]} is {DIGITS[a + b]}."
    name = rng.choice(NAMES)
    clause = f"{name} {rng.choice(VERBS)} {_thing(rng, 2)}"
    return f"{clause}, says {name}." if kind < 0.8 else f'"{clause}", says {rng.choice(NAMES)} to {name}.'


def _thing(rng: random.Random, depth: int) -> str:
    if depth and rng.random() < 0.4:
        opens, closes = rng.choice(BRACKETS)
        return f"{opens}{_thing(rng, depth - 1)} and {_thing(rng, depth - 1)}{closes}"
    return rng.choice(THINGS)


def synthetic_documents(n: int, num_classes: int, seed: int) -> tuple[list[str], list[int]]:
    """Returns documents and their classes.

    Each class is about one topic. Its documents hold words of it, words of another topic behind "not", and some of any
    topic; so counting words tells only a part, and pairs of words nearly all. A few labels are wrong.

    Args:
        n: Number of documents.
        num_classes: Number of classes, at most 6.
        seed: What they follow from.
    """
    rng = random.Random(seed)
    texts, labels = [], []
    for number in range(n):
        label = number % num_classes
        texts.append(_document(rng, label, num_classes))
        labels.append(rng.randrange(num_classes) if rng.random() < NOISE else label)
    return texts, labels


def _document(rng: random.Random, label: int, num_classes: int) -> str:
    words: list[str] = []
    other = (label + 1 + rng.randrange(num_classes - 1)) % num_classes
    for _ in range(rng.randint(3, 12)):
        words += rng.choices(FILLERS, k=rng.randint(1, 3))
        kind = rng.random()
        if kind < 0.3:
            words.append(rng.choice(TOPICS[label]))
        elif kind < 0.6:
            words += [NEGATION, rng.choice(TOPICS[other])]
        elif kind < 0.7:
            words.append(rng.choice(TOPICS[rng.randrange(num_classes)]))
    return " ".join(words)
