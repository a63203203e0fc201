"""Which words or n-grams a classifier of texts decides by: what changes when they are left out."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from core.media import Figure, Table
from datamodules.batches import TextBatch
from datamodules.text.special_symbols import PADDING
from inspection.coloured_text import draw_text
from inspection.subject import Subject
from inspection.views import Shown, View

MOST = 120  # words of a text that are left out, one by one
MOST_NGRAMS = 2000  # words and n-grams, which have no order in which a text could be cut
LISTED = 25  # of these, those that decide most
HEADER = ("word or n-gram", "adds to the log odds")
AT_ONCE = 64  # texts of a batch


def make(subject: Subject) -> Iterator[Shown]:
    """Draws texts whose words are coloured by what they add to the score of the predicted class, or lists n-grams.

    Raises:
        NotShown: The network classifies no texts.
    """
    most = MOST_NGRAMS if subject.reads_ngrams else MOST
    texts, names = subject.texts(), subject.data.class_names
    for number, batch in enumerate(texts):
        probabilities = subject.seen.probabilities[number]
        guess, target = int(probabilities.argmax()), int(batch.targets)
        values, begin = contributions(subject, batch, guess, most), padding(batch)
        symbols = subject.symbols_of(subject.text_of_example(number), batch.tokens[0, : begin + len(values)])
        words = symbols[begin:]
        truth = "" if target < 0 else f", is {names[target]}"
        title = f"{subject.example_names()[number][:40]}: {names[guess]} {probabilities[guess]:.0%}{truth}"
        name = f"words_{number + 1}"
        if subject.reads_ngrams:
            rows = strongest(words, values)
            shares = f"the {len(rows)} of {len({*words}):,} words and n-grams of the text that decide most"
            yield Shown(Table(name=name, step=subject.step, header=HEADER, rows=rows), f"{title}: {shares}.")
        else:
            yield Shown(Figure(name=name, step=subject.step, figure=draw_text(words, values, title)))


def strongest(words: Sequence[str], values: Tensor) -> list[tuple[str, str]]:
    """Returns those whose values are largest by amount, the largest first, each once, with its value.

    Args:
        words: Words and n-grams.
        values: A number for each, float32 [N].
    """
    numbers = dict(zip(words, values.tolist(), strict=True))  # a symbol counts as much wherever it stands
    ordered = sorted(numbers, key=lambda word: -abs(numbers[word]))
    return [(word, f"{numbers[word]:+.3f}") for word in ordered[:LISTED]]


def padding(batch: TextBatch) -> int:
    """Returns how many symbols of padding the one text of a batch begins with, as where texts are filled up."""
    begins = batch.tokens[0, : int(batch.lengths)] != PADDING
    return int(begins.int().argmax()) if begins.any() else 0


def contributions(subject: Subject, batch: TextBatch, chosen: int, most: int = MOST) -> Tensor:
    """Returns how much the log odds of a class fall when each word behind its padding is left out, float32 [M].

    Args:
        subject: Has the network.
        batch: One text.
        chosen: The class.
        most: How many words are left out, one by one.
    """
    length = int(batch.lengths)
    tokens = batch.tokens[0, :length]
    if length < 2:
        return torch.zeros(length)
    begin = padding(batch)
    places = torch.arange(length, device=tokens.device)
    found = []
    with subject.explaining(), torch.no_grad():
        whole = _log_odds(subject, batch, tokens[None], chosen)
        for left_out in places[begin : begin + most].split(AT_ONCE):
            kept = places != left_out[:, None]
            shorter = tokens.expand(kept.shape)[kept].view(len(left_out), length - 1)
            found.append(whole - _log_odds(subject, batch, shorter, chosen))
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
    "red words speak for it, blue ones against it. Of a network that reads n-grams (words side by side as one symbol), "
    "a table lists the words and n-grams that change the score most: those above 0 speak for the class, those below "
    "against it.",
    make,
)
