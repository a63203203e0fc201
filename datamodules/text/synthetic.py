"""Synthetic texts: sentences of a formal grammar for language models, and documents of topics for classifiers.

Counting words or characters is not enough for either: sentences have matching brackets and repeated names, and in
documents a "not" negates the next word.
"""

import random

from datamodules.text.text_files import LabelledTexts

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
    """Returns sentences of at least n characters.

    A sentence that names somebody ends with the same name, brackets match, and sums are correct; so a model with a
    longer memory predicts better.

    Args:
        n: Least number of characters; the last sentence is complete.
        seed: Seed of all random choices.
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

    Each class has one topic. Its documents have words of that topic, words of another topic after "not", and some words
    of any topic; so word counts determine the class only partly, and pairs of words nearly always. A few labels are
    wrong.

    Args:
        n: Number of documents.
        num_classes: Number of classes, at most 6.
        seed: Seed of all random choices.
    """
    rng = random.Random(seed)
    texts, labels = [], []
    for number in range(n):
        label = number % num_classes
        texts.append(_document(rng, label, num_classes))
        labels.append(rng.randrange(num_classes) if rng.random() < NOISE else label)
    return texts, labels


def synthetic_parts(sizes: dict[str, int], num_classes: int) -> dict[str, LabelledTexts]:
    """Returns documents for each part of a data set.

    Args:
        sizes: Number of documents of each part.
        num_classes: Number of classes, at most 6.
    """
    parts = {}
    for seed, (part, n) in enumerate(sizes.items(), 1):
        texts, labels = synthetic_documents(n, num_classes, seed)
        parts[part] = LabelledTexts(texts, [str(label) for label in labels], [f"document {i}" for i in range(n)])
    return parts


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
