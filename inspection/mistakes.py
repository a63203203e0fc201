"""The most confident mistakes: samples of which the network was sure, and wrong."""

from collections.abc import Iterator

from callbacks.media.confusion import draw_confusion
from callbacks.media.predicted_images import draw_predictions
from core.media import Figure, Table
from core.predictions import excerpt
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

PICTURES, TEXTS = 40, 20
LENGTH = 400  # characters of a text


def make(subject: Subject) -> Iterator[Shown]:
    """Draws or lists them, and how often each class is taken for each.

    Raises:
        NotShown: There are none, or the network does not classify.
    """
    samples = subject.classified()
    names = subject.data.class_names
    wrong = (samples.guesses != samples.targets).nonzero()[:, 0]
    if not len(wrong):
        raise NotShown(f"all {len(samples):,} {subject.data.unit} of {subject.part} are right")
    confidence = samples.probabilities.amax(1)[wrong]
    rows = wrong[confidence.argsort(descending=True, stable=True)]
    share = f"{len(wrong):,} of {len(samples):,} {subject.data.unit} of {subject.part} are wrong"
    if subject.shows_images:
        rows = rows[:PICTURES]
        best, guesses = samples.probabilities[rows].max(1)
        figure = draw_predictions(subject.stored(rows), samples.targets[rows], guesses, best, names)
        caption = f"{share}; these {len(rows)} with the greatest confidence. Above each what the network says."
        yield Shown(Figure(name="mistakes", step=subject.step, figure=figure), caption)
    elif samples.tokens:
        rows = rows[:TEXTS]
        table = []
        for row in rows.tolist():
            text = excerpt(subject.text_of(int(samples.places[row]), samples.tokens[row]), LENGTH)
            best, guess = samples.probabilities[row].max(0)
            table.append((text, names[int(samples.targets[row])], names[int(guess)], f"{best:.1%}"))
        header = ("text", "is", "taken for", "with probability")
        yield Shown(Table(name="mistakes", step=subject.step, header=header, rows=table), f"{share}.")
    what = f"{subject.part} {subject.data.unit}"
    figure = draw_confusion(samples.targets, samples.guesses, names, what)
    yield Shown(Figure(name="confusion", step=subject.step, figure=figure), "How often each class is taken for each.")


VIEW = View(
    "mistakes",
    "The most confident mistakes",
    "Samples of which the network was sure, and wrong. Look for wrong labels, for things that are cut off or two at "
    "once, and for a class that is taken for another by its background.",
    make,
)
