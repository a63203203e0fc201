"""A map of words: their vectors in the plane."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from core.projection import project_to_plane

SIZE = 14.0  # inches


def draw_word_map(vectors: Tensor, words: Sequence[str]) -> Figure:
    """Draws words so that near ones are similar.

    Args:
        vectors: Of length 1, float32 [N, D].
        words: Their names.
    """
    points, how = project_to_plane(vectors)
    figure = Figure(figsize=(SIZE, SIZE), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.scatter(points[:, 0], points[:, 1], s=3, color="tab:blue")
    for (x, y), word in zip(points.tolist(), words, strict=True):
        axes.annotate(word.replace("$", r"\$"), (x, y), fontsize=8, alpha=0.8)
    axes.set(title=f"the {len(words)} most frequent words ({how})", xticks=[], yticks=[])
    return figure
