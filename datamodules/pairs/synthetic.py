"""Synthetic sentences with translations: a small grammar in two languages that differ in words, order and agreement.

Word by word they cannot be translated: in the second language the verb stands last, adjectives follow their nouns and
agree with them, and "not" surrounds the verb.
"""

import random

from datamodules.pairs.files import SentencePairs

NAMES = ("Anna", "Boris", "Clara", "David", "Elena", "Fedor", "Greta", "Hugo")
NOUNS = {  # with the gender of the translation
    "dog": ("kanu", "a"), "house": ("domil", "o"), "river": ("rivo", "o"), "bird": ("birela", "a"),
    "boat": ("nautel", "o"), "letter": ("skriba", "a"), "road": ("viamo", "o"), "friend": ("amila", "a"),
    "garden": ("hortel", "o"), "song": ("kantira", "a"),
}  # fmt: skip
ADJECTIVES = {
    "red": "rub", "old": "vet", "small": "min", "long": "lang", "blue": "azul", "quiet": "silen", "new": "nov",
    "strange": "mir",
}  # fmt: skip
VERBS = {"sees": "vidas", "hears": "audas", "finds": "trovas", "loves": "amas", "paints": "pintas", "seeks": "kercas"}
PLACES = {"in the morning": "matine", "at night": "nokte", "in winter": "vintre", "today": "hodie"}


def synthetic_pairs(n: int, seed: int) -> SentencePairs:
    """Returns sentences and their translations.

    Args:
        n: Number of pairs.
        seed: Seed of all random choices.
    """
    rng = random.Random(seed)
    pairs = SentencePairs()
    for _ in range(n):
        source, target = _sentence(rng)
        pairs.sources.append(source)
        pairs.targets.append(target)
    return pairs


def _sentence(rng: random.Random) -> tuple[str, str]:
    subject = (rng.choice(NAMES),) * 2 if rng.random() < 0.4 else _thing(rng)
    verb, (thing, its) = rng.choice(list(VERBS)), _thing(rng)
    negated = rng.random() < 0.2
    predicate = f"does not {verb[:-1]}" if negated else verb  # without the s of the third person
    source = f"{subject[0]} {predicate} {thing}"
    target = f"{subject[1]} {its} {f'ne {VERBS[verb]} pa' if negated else VERBS[verb]}"
    if rng.random() < 0.5:
        place = rng.choice(list(PLACES))
        source, target = f"{source} {place}", f"{PLACES[place]} {target}"
    return f"{source[0].upper()}{source[1:]}.", f"{target[0].upper()}{target[1:]}."


def _thing(rng: random.Random) -> tuple[str, str]:
    noun = rng.choice(list(NOUNS))
    translation, gender = NOUNS[noun]
    adjectives = rng.sample(list(ADJECTIVES), rng.choice((0, 0, 1, 1, 2)))
    endings = [f"{ADJECTIVES[adjective]}{gender}" for adjective in reversed(adjectives)]
    return " ".join(["the", *adjectives, noun]), " ".join([f"l{gender}", translation, *endings])
