"""Words are left out one by one, and padding is none of them."""

from contextlib import nullcontext
from types import SimpleNamespace

import torch
from torch import Tensor

from datamodules.batches import TextBatch
from inspection.words import contributions, padding


def text(*tokens: int) -> TextBatch:
    """Returns a batch of one text."""
    return TextBatch(torch.tensor([tokens]), torch.tensor([len(tokens)]), torch.tensor([0]), torch.tensor([0]))


def _logits(batch: TextBatch) -> Tensor:
    """Each symbol adds its number to the first of two classes."""
    score = batch.tokens.sum(1).float()
    return torch.stack([score, torch.zeros_like(score)], 1)


SUBJECT = SimpleNamespace(explaining=nullcontext, model=SimpleNamespace(predicted_logits=_logits))


def test_padding_in_front_is_not_among_the_words() -> None:
    assert padding(text(0, 0, 5, 0, 7)) == 2
    assert padding(text(5, 7)) == padding(text(0, 0)) == 0
    assert contributions(SUBJECT, text(*[0] * 200, 5, 3, 7), 0, most=2).tolist() == [5, 3]
    assert contributions(SUBJECT, text(5, 3, 7), 1).tolist() == [-5, -3, -7]
