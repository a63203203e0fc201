"""Projection of vectors to the plane, in which those that are alike lie together."""

import torch
from torch import Tensor

FEWEST = 10  # vectors that t-SNE projects; fewer are projected to their main directions


def project_to_plane(vectors: Tensor) -> tuple[Tensor, str]:
    """Returns places in the plane, float32 [N, 2], and the name of the method.

    With scikit-learn, by t-SNE (Laurens van der Maaten and Geoffrey Hinton, 2008) of cosine distances, else by the two
    main directions.

    Args:
        vectors: float32 [N, D].
    """
    if len(vectors) >= FEWEST and vectors.shape[1] >= 2:  # t-SNE starts from two main directions
        try:
            from sklearn.manifold import TSNE
        except ImportError:
            pass
        else:
            found = TSNE(perplexity=min(30, len(vectors) / 4), init="pca", metric="cosine", random_state=0)
            return torch.from_numpy(found.fit_transform(vectors.numpy())), "t-SNE"
    return principal_components(vectors), "main directions"


def principal_components(vectors: Tensor) -> Tensor:
    """Returns the coordinates of vectors [N, D] along the two directions of largest variance, [N, 2]."""
    centred = vectors - vectors.mean(0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    found = centred @ directions[:2].T
    return torch.cat([found, found.new_zeros(len(found), 2 - found.shape[1])], 1)
