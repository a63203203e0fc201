"""What is true at each place of a text, which a cell of a character model may follow."""

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

VOWELS = frozenset("aeiouyAEIOUY")
SENTENCE_ENDS = frozenset(".!?")
OPENING = {"(": ")", "[": "]", "{": "}", "<": ">", "“": "”", "«": "»"}
FREQUENT = 8  # symbols of which each place is told whether it is one
LONGEST = 200  # characters that a distance counts to


def facts_of(texts: Sequence[Sequence[str]]) -> dict[str, Tensor]:
    """Returns numbers by name for each place of texts, float32 [N, T], of what differs at all.

    What is said of a place is known once its symbol has been read, but for what the next symbol is. Of symbols that
    have several characters nothing is known but which of the frequent ones each is.

    Args:
        texts: N texts of T symbols each.
    """
    spelled = all(len(one) == 1 for text in texts for one in text)
    kinds: dict[str, Callable[[str], bool]] = {
        "a blank": lambda one: one == " ",
        "an end of a line": lambda one: one == "\n",
        "a vowel": lambda one: one in VOWELS,
        "a capital": str.isupper,
        "a digit": str.isdigit,
        "a punctuation mark": lambda one: not one.isalnum() and not one.isspace(),
    }
    found: dict[str, list[list[float]]] = {}
    counts = Counter(one for text in texts for one in text if not one.isspace())
    common = [one for one, _ in counts.most_common(FREQUENT)]
    for text in texts:
        here = {f"is '{one}'": [float(one == other) for other in text] for one in common}
        here["place in the line"] = _since(text, lambda one: one == "\n")
        if spelled:
            of_kind = {name: [float(holds(one)) for one in text] for name, holds in kinds.items()}
            here |= {f"is {name}": values for name, values in of_kind.items()}
            here |= {f"before {name}": [*values[1:], values[-1]] for name, values in of_kind.items()}
            here["place in the word"] = _since(text, lambda one: not one.isalnum())
            here["place in the sentence"] = _since(text, lambda one: one in SENTENCE_ENDS)
            here['within "quotes"'] = _quoted(text)
            here["within brackets"] = _enclosed(text)
        for name, values in here.items():
            found.setdefault(name, []).append(values)
    numbers = {name: torch.tensor(values) for name, values in found.items()}
    return {name: values for name, values in numbers.items() if values.std() > 0}


def _since(text: Sequence[str], begins: Callable[[str], bool]) -> list[float]:
    """Returns how many symbols ago the latest one was of a kind, at most `LONGEST`."""
    distances, distance = [], 0
    for one in text:
        distance = 0 if begins(one) else min(LONGEST, distance + 1)
        distances.append(float(distance))
    return distances


def _quoted(text: Sequence[str]) -> list[float]:
    """Returns whether each place is within straight quotation marks, which an empty line ends."""
    inside, before, values = False, "", []
    for one in text:
        if one == '"':
            inside = not inside
        elif one == "\n" and before == "\n":
            inside = False
        before = one
        values.append(float(inside))
    return values


def _enclosed(text: Sequence[str]) -> list[float]:
    """Returns how many brackets or directed quotation marks are open at each place."""
    open_ones: list[str] = []
    values = []
    for one in text:
        if one in OPENING:
            open_ones.append(OPENING[one])
        elif open_ones and one == open_ones[-1]:
            open_ones.pop()
        values.append(float(len(open_ones)))
    return values
