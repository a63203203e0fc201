"""What word vectors are trained by, over all pairs of a piece of text, each with its gradient.

Tomáš Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado and Jeffrey Dean, "Distributed Representations of Words and
Phrases and their Compositionality", 2013, arXiv:1310.4546: negative sampling and hierarchical softmax. Words next to
each other share their negatives, as in Shihao Ji, Nadathur Satish, Sheng Li and Pradeep Dubey, "Parallelizing Word2Vec
in Shared and Distributed Memory", 2016, arXiv:1604.04661.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_modules.layers.row_gradients import RowGradient
from lightning_modules.layers.windows import Windows

SMALLEST = 1e-30  # probability whose logarithm is taken for that of a smaller one


class Objective(NamedTuple):
    """A loss and its gradients.

    Attributes:
        loss: Sum over all pairs, or over all windows with CBOW.
        number: Number of these.
        inputs: Gradient with respect to the input vector of each word of the piece, [N, D].
        input_counts: Number of pairs in it, float [N].
        outputs: Gradient with respect to the table of output vectors.
    """

    loss: Tensor
    number: Tensor
    inputs: Tensor
    input_counts: Tensor
    outputs: RowGradient


def skip_gram(windows: Windows, vectors: Tensor, table: Tensor, words: Tensor, noise: Tensor, k: int) -> Objective:
    """Tells the words in the window of each word from noise.

    Args:
        windows: The pairs.
        vectors: Input vectors of the words, [N, D].
        table: Output vectors of the vocabulary, [V, D].
        words: Numbers of the words, int64 [N].
        noise: Numbers of the noise words that the words of each block share, int64 [blocks, S].
        k: Noise words a pair: a shared one weighs k / S.
    """
    blocks, shared = noise.shape
    rows, size = torch.cat([words, noise.flatten()]), vectors.shape[1]
    looked_up = table.index_select(0, rows)
    centres = windows.in_blocks(vectors)
    around, against = windows.around_blocks(looked_up[: windows.n]), looked_up[windows.n :].view(blocks, shared, size)
    mask, weights = windows.mask, windows.in_blocks(windows.sizes * (k / shared))[..., None]
    true = torch.bmm(centres, around.transpose(1, 2)).sigmoid_()  # [blocks, B, B + 2R]
    false = torch.bmm(centres, against.transpose(1, 2)).sigmoid_()  # [blocks, B, S]
    loss = _surprise(true.clone(), mask) + _surprise(1 - false, weights)
    true.sub_(1).mul_(mask)
    false.mul_(weights)
    inputs = torch.bmm(true, around).baddbmm_(false, against).view(-1, size)[: windows.n]
    outputs = torch.empty_like(looked_up)
    windows.add_up(torch.bmm(true.transpose(1, 2), centres), outputs[: windows.n])
    torch.bmm(false.transpose(1, 2), centres, out=outputs[windows.n :].view(blocks, shared, size))
    of_noise = weights.sum(1).expand(blocks, shared).flatten()
    counts = torch.cat([windows.appearances(torch.ones_like(windows.sizes)), of_noise])
    return Objective(loss, windows.sizes.sum(), inputs, windows.sizes, RowGradient(rows, outputs, counts))


def cbow(windows: Windows, vectors: Tensor, table: Tensor, words: Tensor, noise: Tensor, k: int) -> Objective:
    """Tells each word from noise by the mean of the words in its window; arguments as in `skip_gram`."""
    blocks, shared = noise.shape
    rows, size = torch.cat([words, noise.flatten()]), vectors.shape[1]
    looked_up = table.index_select(0, rows)
    means = Means(windows, vectors)
    against = looked_up[windows.n :].view(blocks, shared, size)
    targets = windows.in_blocks(looked_up[: windows.n])
    weights = windows.in_blocks(means.exists * (k / shared))[..., None]
    true = (means.values * targets).sum(2, keepdim=True).sigmoid_()  # [blocks, B, 1]
    false = torch.bmm(means.values, against.transpose(1, 2)).sigmoid_()  # [blocks, B, S]
    loss = _surprise(true.clone(), windows.in_blocks(means.exists)[..., None]) + _surprise(1 - false, weights)
    true.sub_(1).mul_(windows.in_blocks(means.exists)[..., None])
    false.mul_(weights)
    gradient = (true * targets).baddbmm_(false, against)
    outputs = torch.empty_like(looked_up)
    outputs[: windows.n] = (true * means.values).view(-1, size)[: windows.n]
    torch.bmm(false.transpose(1, 2), means.values, out=outputs[windows.n :].view(blocks, shared, size))
    counts = torch.cat([means.exists, weights.sum(1).expand(blocks, shared).flatten()])
    inputs, input_counts = means.spread(gradient)
    return Objective(loss, means.exists.sum(), inputs, input_counts, RowGradient(rows, outputs, counts))


class Means:
    """The mean of the vectors in each window.

    Args:
        windows: The windows.
        vectors: Vectors of the words, [N, D].
    """

    def __init__(self, windows: Windows, vectors: Tensor) -> None:
        self._windows = windows
        self._parts = 1 / windows.sizes.clamp(min=1)
        self._shares = windows.mask * windows.in_blocks(self._parts)[..., None]
        self.exists = (windows.sizes > 0).to(windows.dtype)  # 1 for a word whose window is not empty, [N]
        self.values = torch.bmm(self._shares, windows.around_blocks(vectors))  # [blocks, B, D]

    def spread(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the gradient of each word's vector, [N, D], and how many windows it counts for, [N].

        Args:
            gradient: With respect to `values`.
        """
        inputs = gradient.new_empty(self._windows.n, gradient.shape[2])
        self._windows.add_up(torch.bmm(self._shares.transpose(1, 2), gradient), inputs)
        return inputs, self._windows.appearances(self._parts * self.exists)


def hierarchical_softmax(
    windows: Windows, vectors: Tensor, table: Tensor, nodes: Tensor, signs: Tensor, mean: bool
) -> Objective:
    """Finds each word in a binary tree, from each word in its window, or from their mean (CBOW).

    Args:
        windows: The windows.
        vectors: Input vectors of the words, [N, D].
        table: Vectors of the inner nodes of the tree, [V - 1, D].
        nodes: The nodes on the way to each word, int64 [N, L].
        signs: 1 where the way goes left, -1 where it goes right, 0 behind its end; float [N, L].
        mean: Whether the mean predicts.
    """
    n = len(nodes)
    size, radius = vectors.shape[1], windows.radius
    means = Means(windows, vectors) if mean else None
    if means is not None:
        inputs, inside = means.values.view(-1, 1, size)[:n], means.exists[:, None]
    else:
        offsets = torch.arange(-radius, radius + 1, device=vectors.device)
        inside = (offsets >= -windows.left[:, None]) & (offsets <= windows.right[:, None]) & (offsets != 0)
        inside = inside.to(windows.dtype)  # [N, 2R + 1]
        edge = vectors.new_zeros(radius, size)
        inputs = torch.cat([edge, vectors, edge]).as_strided((n, 2 * radius + 1, size), (size, size, 1))
    on_the_way = table[nodes]  # [N, L, D]
    weights = inside[..., None] * signs.abs()[:, None]  # [N, M, L]
    right = (torch.bmm(inputs, on_the_way.transpose(1, 2)) * signs[:, None]).sigmoid_()
    loss = _surprise(right.clone(), weights)
    errors = right.sub_(1).mul_(weights).mul_(signs[:, None])
    outputs = torch.bmm(errors.transpose(1, 2), inputs).view(-1, size)
    gradient = torch.bmm(errors, on_the_way)  # [N, M, D]
    counts = (inside.sum(1, keepdim=True) * signs.abs()).flatten()
    if means is not None:
        of_words, input_counts = means.spread(windows.in_blocks(gradient[:, 0]))
    else:
        padded = vectors.new_zeros(n + 2 * radius, size)
        for column in range(2 * radius + 1):
            padded[column : column + n] += gradient[:, column]
        of_words, input_counts = padded[radius : radius + n], windows.appearances(torch.ones_like(windows.sizes))
    return Objective(loss, inside.sum(), of_words, input_counts, RowGradient(nodes.flatten(), outputs, counts))


def _surprise(probabilities: Tensor, weights: Tensor) -> Tensor:
    """Returns the weighted sum of the negative logarithms of probabilities, which it overwrites.

    Args:
        probabilities: [..., M].
        weights: Weight of each, [..., M], or of each row, [..., 1].
    """
    logarithms = probabilities.clamp_(min=SMALLEST).log_()
    if weights.shape[-1] == 1:
        logarithms = logarithms.sum(-1)
    # a scalar product needs no memory of its own, which would have to be fetched from the system at every step
    return -torch.dot(logarithms.flatten(), weights.flatten())
