"""A map of samples by what the network makes of them, so that those that are alike lie together."""

from collections.abc import Iterator, Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import shortened
from core.indices import evenly_spaced_indices
from core.media import Figure
from core.projection import project_to_plane
from inspection.collecting import Samples
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

MOST = 1500  # samples of the map
FEWEST = 10
NAMED = 20  # classes that have a colour each
LETTERS = 24  # of a class's name in the legend


def make(subject: Subject) -> Iterator[Shown]:
    """Draws the map.

    Raises:
        NotShown: There is no last dense layer, or there are too few samples.
    """
    features = subject.features()
    n = len(features)
    if n < FEWEST:
        raise NotShown(f"{n} {subject.data.unit} of {subject.part} are too few for a map")
    rows = evenly_spaced_indices(n, min(MOST, n))
    points, how = project_to_plane(features[rows])
    samples = subject.classified().take(rows)
    figure = draw_map(points, samples, subject.data.class_names)
    wrong = int((samples.guesses != samples.targets).sum())
    yield Shown(
        Figure(name="embedding_map", step=subject.step, figure=figure),
        f"{len(rows):,} {subject.data.unit} of {subject.part} by what enters the last dense layer, laid out by {how}; "
        f"mistakes ({wrong:,}) are crosses in the colour of their true class.",
    )


def draw_map(points: Tensor, samples: Samples, class_names: Sequence[str]) -> MatplotlibFigure:
    """Draws samples as points in the colours of their classes, mistakes as crosses.

    Args:
        points: float32 [N, 2].
        samples: The samples.
        class_names: Names of the classes.
    """
    figure = MatplotlibFigure(figsize=(8, 6.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    many = len(class_names) > NAMED
    palette = colormaps["tab10" if len(class_names) <= 10 else "tab20" if not many else "hsv"]
    colours = [palette(number / len(class_names) if many else number) for number in range(len(class_names))]
    right = samples.guesses == samples.targets
    for number, name in enumerate(class_names):
        own = samples.targets == number
        here, wrong = points[own & right], points[own & ~right]
        label = None if many else shortened(name, LETTERS)
        axes.scatter(here[:, 0], here[:, 1], s=9, color=colours[number], alpha=0.7, linewidths=0, label=label)
        axes.scatter(wrong[:, 0], wrong[:, 1], s=28, color=colours[number], marker="x", linewidths=1.2)
    axes.set(xticks=[], yticks=[])
    if not many:
        figure.legend(loc="outside right center", fontsize=8, markerscale=2, frameon=False)
    return figure


VIEW = View(
    "embedding_map",
    "A map of what the network sees",
    "Samples that are alike to the network lie together. Classes that it tells apart are islands; where two run into "
    "each other, it takes one for the other. Distances between islands mean little.",
    make,
)
