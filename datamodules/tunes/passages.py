"""Passages of tunes, and what is true at each place of them: where in the bar it is, and what stands there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.protocols.passages import Passages, cut
from datamodules.text.vocabulary import Vocabulary
from datamodules.tunes.marks import LONGEST, marks_after
from datamodules.tunes.notation import kind_of
from datamodules.tunes.spelling import Spelling
from datamodules.tunes.symbols import END, Symbols

KINDS = {
    "a note": ("tone", "tones"),
    "a bar line": ("bar",),
    "a chord's name": ("name",),
    "a field of the header": ("header",),
}


def passages_of_tunes(
    tunes: Sequence[Sequence[str]], vocabulary: Vocabulary, kind: Symbols, count: int, length: int, marked: bool
) -> Passages:
    """Returns up to so many passages of tunes that are strung together, of so many symbols at most.

    Args:
        tunes: Tokens of each.
        vocabulary: All symbols.
        kind: What they are.
        count: How many passages.
        length: Symbols of each.
        marked: Whether symbols have marks.
    """
    spelling = Spelling({token for tokens in tunes for token in tokens}, [0], vocabulary, kind)
    tokens, (before,) = [END], marks_after(())
    after = [before, before]  # before the first end, and after it
    for tune in tunes:
        tokens += [*tune, END]
        after += [*marks_after(tune)[1:], before]
    numbers = torch.tensor([spelling.numbers[token] for token in tokens])
    symbols, sure = spelling.spelled(numbers)
    marks = torch.tensor(after)[sure]
    of_token = torch.arange(len(tokens)).repeat_interleave(spelling.lengths[numbers])
    facts = _facts(marks, [kind_of(token) for token in tokens], of_token)
    length = min(length, len(symbols) // 2)  # two at least, however short they are
    pieces = cut(symbols, count, length)
    words = ["\n" if symbol == END else symbol for symbol in vocabulary.symbols]
    return Passages(
        pieces,
        [[words[number] for number in row] for row in pieces.tolist()],
        cut(marks, count, length) if marked else None,
        {name: cut(values, count, length) for name, values in facts.items()},
    )


def _facts(marks: Tensor, kinds: list[str], of_token: Tensor) -> dict[str, Tensor]:
    """Returns what is true at each symbol, float32 [L], by name.

    Args:
        marks: Marks of the symbols, int64 [L, F].
        kinds: Kind of each token.
        of_token: Token that each symbol belongs to, int64 [L].
    """
    filled, left, number, group = marks.float().unbind(1)
    facts = {
        "time since the bar line": filled,
        "time to the bar line": torch.where(left > LONGEST, 0.0, left),
        "number of the bar": number,
        "within a tuplet": (group > 0).float(),
    }
    for name, wanted in KINDS.items():
        here = torch.tensor([kind in wanted for kind in kinds])[of_token].float()
        facts |= {f"is {name}": here, f"before {name}": torch.cat([here[1:], here[-1:]])}
    return facts
