"""A map of words: their vectors in the plane."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from core.errors import InputError

SIZE = 14.0  # inches
FEWEST = 10  # words that are spread by their neighbours; fewer by their main directions


def draw_word_map(vectors: Tensor, words: Sequence[str]) -> Figure:
    """Draws words so that near ones are similar.

    With scikit-learn, by t-SNE (Laurens van der Maaten and Geoffrey Hinton, 2008), else by the two main directions.

    Args:
        vectors: Of length 1, float32 [N, D].
        words: Their names.
    """
    try:
        points, how = _spread(vectors), "t-SNE"
    except (ImportError, InputError):
        points, how = main_directions(vectors), "main directions"
    figure = Figure(figsize=(SIZE, SIZE), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.scatter(points[:, 0], points[:, 1], s=3, color="tab:blue")
    for (x, y), word in zip(points.tolist(), words, strict=True):
        axes.annotate(word.replace("$", r"\$"), (x, y), fontsize=8, alpha=0.8)
    axes.set(title=f"the {len(words)} most frequent words ({how})", xticks=[], yticks=[])
    return figure


def main_directions(vectors: Tensor) -> Tensor:
    """Returns the coordinates of vectors [N, D] along the two directions of largest variance, [N, 2]."""
    centred = vectors - vectors.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    found = centred @ directions[:2].T
    return torch.cat([found, found.new_zeros(len(found), 2 - found.shape[1])], 1)


def _spread(vectors: Tensor) -> Tensor:
    if len(vectors) < FEWEST:
        raise InputError("too few words to have neighbours")
    from sklearn.manifold import TSNE

    found = TSNE(perplexity=min(30, len(vectors) / 4), init="pca", metric="cosine", random_state=0)
    return torch.from_numpy(found.fit_transform(vectors.numpy()))
