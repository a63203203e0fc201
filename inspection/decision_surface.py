"""The decision surface of a network on points in the plane."""

from collections.abc import Iterator

from callbacks.media.decision_surface import decision_surface
from core.evaluation_mode import evaluation_mode
from core.media import Figure
from core.protocols.general import HasPoints
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View


def make(subject: Subject) -> Iterator[Shown]:
    """Draws it.

    Raises:
        NotShown: The samples are no points.
    """
    if not isinstance(subject.data, HasPoints):
        raise NotShown(f"samples of {type(subject.data).__name__} are no points in the plane")
    subject.classified()
    with evaluation_mode(subject.model):
        figure = decision_surface(subject.model, subject.data, subject.part)
    yield Shown(Figure(name="decision_surface", step=subject.step, figure=figure))


VIEW = View(
    "decision_surface",
    "Decision surface",
    "What the network says of every place in the plane, and the samples with their classes.",
    make,
)
