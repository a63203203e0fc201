"""Which words a classifier of texts decides by: what changes when they are left out."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.media import Figure
from datamodules.batches import TextBatch
from inspection.coloured_text import draw_text
from inspection.subject import Subject
from inspection.views import Shown, View

MOST = 120  # words of a text that are left out, one by one
AT_ONCE = 64  # texts of a batch


def make(subject: Subject) -> Iterator[Shown]:
    """Draws texts whose words are coloured by what they add to the score of the predicted class.

    Raises:
        NotShown: The network classifies no texts.
    """
    texts, names = subject.texts(), subject.data.class_names
    for number, batch in enumerate(texts):
        probabilities = subject.seen.probabilities[number]
        guess, target = int(probabilities.argmax()), int(batch.targets)
        values = contributions(subject, batch, guess)
        words = [subject.data.symbols[one] for one in batch.tokens[0, : len(values)].tolist()]
        truth = "" if target < 0 else f", is {names[target]}"
        title = f"{subject.example_names()[number][:40]}: {names[guess]} {probabilities[guess]:.0%}{truth}"
        figure = draw_text(words, values, title)
        yield Shown(Figure(name=f"words_{number + 1}", step=subject.step, figure=figure))


def contributions(subject: Subject, batch: TextBatch, chosen: int) -> Tensor:
    """Returns how much the log odds of a class fall when each word is left out, float32 [M].

    Args:
        subject: Has the network.
        batch: One text.
        chosen: The class.
    """
    length = int(batch.lengths)
    tokens = batch.tokens[0, :length]
    if length < 2:
        return torch.zeros(length)
    n = min(length, MOST)
    kept = ~torch.eye(n, length, dtype=torch.bool, device=tokens.device)
    shorter = tokens.expand(n, length)[kept].view(n, length - 1)
    found = []
    with subject.explaining(), torch.no_grad():
        whole = _log_odds(subject, batch, tokens[None], chosen)
        for begin in range(0, n, AT_ONCE):
            found.append(whole - _log_odds(subject, batch, shorter[begin : begin + AT_ONCE], chosen))
    return torch.cat(found).cpu()


def _log_odds(subject: Subject, batch: TextBatch, tokens: Tensor, chosen: int) -> Tensor:
    lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
    several = batch._replace(tokens=tokens, lengths=lengths)
    logits = subject.model.predicted_logits(several)
    others = torch.cat([logits[:, :chosen], logits[:, chosen + 1 :]], 1).logsumexp(1)
    return logits[:, chosen] - others


VIEW = View(
    "words",
    "Words that decide",
    "Each word is left out once, and its colour says what that does to the score (log odds) of the predicted class: "
    "red words speak for it, blue ones against it.",
    make,
)
