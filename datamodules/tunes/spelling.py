"""Tokens of tunes by number: the symbols that spell each of them, and what it becomes in other keys."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from datamodules.text.vocabulary import Vocabulary
from datamodules.tunes.keys import transposed
from datamodules.tunes.symbols import END, Symbols


class Spelling:
    """Tokens by number, so that to transpose and to spell a tune is a gather each.

    Args:
        tokens: All tokens, also those of other keys; the end of a tune is added as number 0.
        shifts: By how many fifths tunes are transposed, 0 first.
        vocabulary: All symbols.
        kind: What they are.
    """

    def __init__(self, tokens: Iterable[str], shifts: Sequence[int], vocabulary: Vocabulary, kind: Symbols) -> None:
        every = [END, *sorted(tokens)]
        self.numbers = {token: number for number, token in enumerate(every)}
        dtype = torch.int16 if len(vocabulary) <= 2**15 else torch.int32  # the digest of the tunes has the type
        spelled = [torch.tensor(symbols_of([token], vocabulary, kind), dtype=dtype) for token in every]
        self.symbols = torch.cat(spelled)
        self.lengths = torch.tensor([len(symbols) for symbols in spelled])
        self.starts = self.lengths.cumsum(0) - self.lengths
        self.whole = torch.tensor(  # whether a token cannot go on after its last symbol, as `3` does in `3/2`
            [
                token == END or token.endswith("\n") or (kind == "tokens" and len(symbols) == 1)
                for token, symbols in zip(every, spelled, strict=True)
            ]
        )
        self.in_key = torch.tensor([[self._moved(token, by) for token in every] for by in shifts])  # [K, M]

    def _moved(self, token: str, by: int) -> int:
        moved = transposed((token,), by) if by and token != END else (token,)
        return 0 if moved is None else self.numbers.get(moved[0], 0)  # 0 is not used: no tune is shown in such a key

    def spelled(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Spells tokens, by number, int64 [N].

        Returns:
            The symbols, int64 [L], and after how many of the tokens each of them stands for sure, int64 [L].
        """
        lengths = self.lengths[tokens]
        ends = lengths.cumsum(0)
        token = torch.arange(len(tokens)).repeat_interleave(lengths)  # that each symbol belongs to
        place = torch.arange(len(token)) - (ends - lengths)[token]
        symbols = self.symbols[self.starts[tokens][token] + place].long()
        is_complete = (place == lengths[token] - 1) & self.whole[tokens][token]
        return symbols, token + is_complete


def symbols_of(tokens: Iterable[str], vocabulary: Vocabulary, kind: Symbols) -> list[int]:
    """Returns the numbers of the symbols of tokens; a token that is not in the vocabulary is spelled by characters."""
    spelled: list[str] = []
    for token in tokens:
        spelled += [token] if token == END or (kind == "tokens" and token in vocabulary) else token
    return vocabulary.ids(spelled)
