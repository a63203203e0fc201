"""What is true at each place of a text, which a cell of a character model may follow."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

VOWELS = frozenset("aeiouyAEIOUY")
SENTENCE_ENDS = frozenset(".!?\u3002\uff01\uff1f\uff1b\uff0e\uff61")  # and those of Chinese and Japanese
OPENING = {"(": ")", "[": "]", "{": "}", "<": ">", "“": "”", "«": "»", "\uff3b": "\uff3d", "\uff5b": "\uff5d"}
OPENING |= {chr(one): chr(one + 1) for one in (*range(0x3008, 0x3011, 2), *range(0x3014, 0x301B, 2), 0xFF08)}  # wide
# letters of scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana, and Chinese characters
UNPARTED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
FREQUENT = 8  # symbols of which each place is told whether it is one
LONGEST = 200  # characters that a distance counts to


def facts_of(texts: Sequence[Sequence[str]]) -> dict[str, Tensor]:
    """Returns numbers by name for each place of texts, float32 [N, T], of what differs at all.

    What is said of a place is known once its symbol has been read, but for what the next symbol is. Of symbols that
    have several characters nothing is known but which of the frequent ones each is. Places in lines, words or
    sentences are told where most of the texts have ends of these, and of words where these are written with blanks.

    Args:
        texts: N texts of T symbols each.
    """
    spelled = all(len(one) == 1 for text in texts for one in text)
    kinds: dict[str, Callable[[str], bool]] = {
        "a blank": lambda one: one in " \u3000",
        "an end of a line": lambda one: one == "\n",
        "a vowel": lambda one: one in VOWELS,
        "a capital": str.isupper,
        "a digit": str.isdigit,
        "a punctuation mark": lambda one: not one.isalnum() and not one.isspace(),
    }
    ends: dict[str, Callable[[str], bool]] = {"line": lambda one: one == "\n"}
    if spelled:
        ends["sentence"] = lambda one: one in SENTENCE_ENDS
        letters = [one for text in texts for one in text if one.isalpha()]
        if 2 * sum(map(bool, map(UNPARTED.match, letters))) < len(letters):
            ends["word"] = lambda one: not one.isalnum()
    wholes = [whole for whole, is_end in ends.items() if 2 * sum(any(map(is_end, text)) for text in texts) > len(texts)]
    found: dict[str, list[list[float]]] = {}
    counts = Counter(one for text in texts for one in text if not one.isspace())
    common = [one for one, _ in counts.most_common(FREQUENT)]
    for text in texts:
        here = {f"is '{one}'": [float(one == other) for other in text] for one in common}
        if spelled:
            of_kind = {name: [float(holds(one)) for one in text] for name, holds in kinds.items()}
            here |= {f"is {name}": values for name, values in of_kind.items()}
            here |= {f"before {name}": [*values[1:], values[-1]] for name, values in of_kind.items()}
            here['within "quotes"'] = _quoted(text)
            here["within brackets"] = _enclosed(text)
        here |= {f"place in the {whole}": _since(text, ends[whole]) for whole in wholes}
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
