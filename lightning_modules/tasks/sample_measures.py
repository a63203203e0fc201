"""Measures of how much a set of generated samples is like a set of real ones, by their features.

Features come from any network that tells such samples apart. A distance depends on the network and on the number of
samples: only figures of one judge, one number and one set of real samples can be compared.

Frechet distance: Martin Heusel et al., 2017, arXiv:1706.08500; kernel distance: Mikołaj Bińkowski et al., 2018,
arXiv:1801.01401; precision and recall: Tuomas Kynkäänniemi et al., 2019, arXiv:1904.06991; density and coverage:
Muhammad Ferjad Naeem et al., 2020, arXiv:2002.09797.
"""

from collections.abc import Iterable
from math import log

import torch
from torch import Tensor

ROWS = 1000  # of a matrix of distances that are computed at a time
FARTHEST = 10  # standard deviations of a feature
MOMENTS = 2  # samples that a covariance needs


def frechet_distance(real: Tensor, generated: Tensor) -> float:
    """Returns the squared Frechet distance of two normal distributions that are fitted to features.

    Args:
        real: Features of real samples, [N, D].
        generated: Features of generated samples, [M, D].

    Returns:
        |m - m'|² + tr(S + S' - 2 (S S')^½); NaN of fewer than two samples.
    """
    if min(len(real), len(generated)) < MOMENTS:
        return float("nan")
    real, generated = real.double(), generated.double()
    covariances = [torch.atleast_2d(features.T.cov()) for features in (real, generated)]
    # the root's trace is that of a symmetric matrix with the same eigenvalues, which needs no complex numbers
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    roots = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    traces = sum(covariance.trace() for covariance in covariances)
    return float((real.mean(0) - generated.mean(0)).square().sum() + traces - 2 * roots)


def kernel_distance(real: Tensor, generated: Tensor) -> float:
    """Returns the squared maximum mean discrepancy with a cubic kernel, estimated without bias.

    Features are standardised by those of the real samples first: a cubic kernel of raw ones is ruled by the largest.
    More than ten standard deviations count as ten, or a feature that is 0 of nearly all samples would rule it.

    Args:
        real: [N, D].
        generated: [M, D].

    Returns:
        The distance, which may be a little below 0; NaN of fewer than two samples.
    """
    if min(len(real), len(generated)) < MOMENTS:
        return float("nan")
    real, generated = real.double(), generated.double()
    mean, deviation = real.mean(0), real.std(0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    real, generated = (((some - mean) / deviation).clamp(-FARTHEST, FARTHEST) for some in (real, generated))
    between = _kernel_sum(real, generated) / (len(real) * len(generated))
    return float(_mean_kernel_within(real) + _mean_kernel_within(generated) - 2 * between)


def _mean_kernel_within(features: Tensor) -> Tensor:
    """Returns the mean kernel of pairs of different samples."""
    of_itself = ((features.square().sum(1) / features.shape[1] + 1) ** 3).sum()
    return (_kernel_sum(features, features) - of_itself) / (len(features) * (len(features) - 1))


def _kernel_sum(one: Tensor, other: Tensor) -> Tensor:
    return sum((((rows @ other.T) / one.shape[1] + 1) ** 3).sum() for rows in one.split(ROWS))


def neighbourhoods(real: Tensor, generated: Tensor, neighbours: int = 3) -> dict[str, float]:
    """Measures how samples lie among each other: in balls that reach to a sample's k-th nearest of its own set.

    Args:
        real: [N, D].
        generated: [M, D].
        neighbours: The number k.

    Returns:
        `precision`, the share of generated samples in the ball of any real one; `recall`, the share of real samples in
        the ball of any generated one; `density`, how many balls of real samples a generated one lies in, over k;
        `coverage`, the share of real samples with a generated one in their ball. NaN of k samples or fewer.
    """
    names = ("precision", "recall", "density", "coverage")
    if min(len(real), len(generated)) <= neighbours:
        return dict.fromkeys(names, float("nan"))
    real, generated = real.double(), generated.double()
    reach_of_real, reach_of_generated = _reach(real, neighbours), _reach(generated, neighbours)
    in_real = torch.zeros(len(generated))  # balls of real samples that a generated one lies in
    recalled = covered = 0
    for rows, reach in zip(real.split(ROWS), reach_of_real.split(ROWS), strict=True):
        distances = _squared_distances(rows, generated)  # [R, M]
        inside = distances <= reach[:, None]
        in_real += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distances <= reach_of_generated).any(1).sum())
    values = (
        float((in_real > 0).float().mean()),
        recalled / len(real),
        float(in_real.mean()) / neighbours,
        covered / len(real),
    )
    return dict(zip(names, values, strict=True))


def _reach(features: Tensor, neighbours: int) -> Tensor:
    """Returns the squared distance of each sample from its k-th nearest neighbour, itself not counted, [N]."""
    rows = [_squared_distances(part, features).kthvalue(neighbours + 1, 1).values for part in features.split(ROWS)]
    return torch.cat(rows)


def _squared_distances(one: Tensor, other: Tensor) -> Tensor:
    squares = one.square().sum(1)[:, None] + other.square().sum(1)
    return torch.addmm(squares, one, other.T, alpha=-2).clamp(min=0)


def nearest(features: Tensor, among: Iterable[Tensor], count: int) -> Tensor:
    """Returns the places of the nearest of other samples, the nearest first, int64 [N, count].

    Args:
        features: [N, D].
        among: Features of the others in order, part by part, [M, D] each.
        count: How many; fewer are returned where there are not as many.
    """
    distances, places = torch.empty(len(features), 0).double(), torch.empty(len(features), 0).long()
    begin = 0
    for part in among:
        found = torch.arange(begin, begin + len(part)).expand(len(features), -1)
        distances = torch.cat([distances, _squared_distances(features.double(), part.double())], 1)
        distances, order = distances.topk(min(count, distances.shape[1]), largest=False)
        places = torch.cat([places, found], 1).gather(1, order)
        begin += len(part)
    return places


def class_entropy(classes: Tensor, num_classes: int) -> float:
    """Returns the entropy of how often each class occurs, as a share of the largest possible.

    Args:
        classes: Class of each sample, int64 [N].
        num_classes: Number of classes, at least two.
    """
    shares = classes.bincount(minlength=num_classes).double() / len(classes)
    return float(-torch.special.xlogy(shares, shares).sum() / log(num_classes)) if len(classes) else float("nan")
