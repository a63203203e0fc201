"""What word vectors are trained by, over all pairs of a piece of text, each with its gradient.

Tomáš Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado and Jeffrey Dean, "Distributed Representations of Words and
Phrases and their Compositionality", 2013, arXiv:1310.4546: negative sampling and hierarchical softmax. Words next to
each other share their negatives, as in Shihao Ji, Nadathur Satish, Sheng Li and Pradeep Dubey, "Parallelizing Word2Vec
in Shared and Distributed Memory", 2016, arXiv:1604.04661.
"""

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_modules.layers.row_gradients import RowGradient
from lightning_modules.layers.side_by_side import side_by_side
from lightning_modules.layers.windows import Windows

SMALLEST = 1e-30  # probability whose logarithm is taken for that of a smaller one


class Objective(NamedTuple):
    """A loss and its gradients.

    Attributes:
        loss: Sum over all pairs, or over all windows with CBOW.
        number: Number of these.
        inputs: Gradient with respect to the input vectors, by the numbers of words.
        outputs: Gradient with respect to the table of output vectors.
    """

    loss: Tensor
    number: Tensor
    inputs: RowGradient
    outputs: RowGradient


def skip_gram(windows: Windows, vectors: Tensor, table: Tensor, noise: Tensor, k: int) -> Objective:
    """Tells the words in the window of each word from noise.

    Args:
        windows: The pairs.
        vectors: Input vectors of the words `windows.around`, [blocks * B + 2R, D].
        table: Output vectors of the vocabulary, [V, D].
        noise: Numbers of the noise words that the words of each block share, int64 [blocks, S].
        k: Noise words a pair: a shared one weighs k / S.
    """
    blocks, size = len(noise), vectors.shape[1]
    edge, shared = windows.radius, noise.shape[1]
    weights = (windows.sizes * (k / shared))[..., None]
    centres = vectors[edge : len(vectors) - edge].view(blocks, windows.width, size)
    inputs, losses = torch.empty_like(centres), vectors.new_empty(blocks)
    outputs = _Outputs(windows, noise, size)

    def compare(some: slice) -> None:
        """Fills in what belongs to some blocks."""
        own, rings = centres[some], windows.rings_of(some)
        near = windows.around_blocks(table.index_select(0, windows.around_of(some)))  # [blocks, M, D]
        far = table.index_select(0, noise[some].flatten()).view(len(own), shared, size)
        products = torch.bmm(own, near.transpose(1, 2))  # [blocks, B, M]
        true = windows.ring_in(products).sigmoid()  # [blocks, B, 2R + 1]
        against = torch.bmm(own, far.transpose(1, 2))  # [blocks, B, S]
        false = against.sigmoid()
        torch.add(_surprise(true.clone(), rings), _surprise(against.neg_().sigmoid_(), weights[some]), out=losses[some])
        windows.ring_in(products.zero_()).copy_(true.sub_(1).mul_(rings))
        false.mul_(weights[some])
        torch.bmm(products, near, out=inputs[some])
        inputs[some].baddbmm_(false, far)
        torch.bmm(products.transpose(1, 2), own, out=outputs.of_text[some])
        torch.bmm(false.transpose(1, 2), own, out=outputs.of_noise[some])

    def of_outputs() -> RowGradient:
        """Returns the gradient of output vectors, whose values may still be missing."""
        counts = windows.appearances(torch.ones_like(windows.sizes))
        return outputs.gradient(windows.around_blocks(windows.around), counts, weights).in_order()

    def of_inputs() -> RowGradient:
        """Returns the gradient of input vectors, likewise."""
        return RowGradient(windows.own, inputs.view(-1, size), windows.sizes.flatten()).in_order()

    comparisons = [partial(compare, some) for some in windows.parts()]
    *_, output_rows, input_rows = side_by_side([*comparisons, of_outputs, of_inputs], table.device)
    return Objective(losses.sum(), windows.sizes.sum(), input_rows, output_rows)


def cbow(windows: Windows, vectors: Tensor, table: Tensor, noise: Tensor, k: int) -> Objective:
    """Tells each word from noise by the mean of the words in its window; arguments as in `skip_gram`."""
    blocks, shared = noise.shape
    size = vectors.shape[1]
    looked_up = table.index_select(0, torch.cat([windows.own, noise.flatten()]))
    targets = looked_up[: len(windows.own)].view(blocks, windows.width, size)
    against = looked_up[len(windows.own) :].view(blocks, shared, size)
    means = Means(windows, vectors)
    exists, weights = means.exists[..., None], (means.exists * (k / shared))[..., None]
    true = (means.values * targets).sum(2, keepdim=True).sigmoid_()  # [blocks, B, 1]
    products = torch.bmm(means.values, against.transpose(1, 2))  # [blocks, B, S]
    false = products.sigmoid()
    loss = (_surprise(true.clone(), exists) + _surprise(products.neg_().sigmoid_(), weights)).sum()
    true.sub_(1).mul_(exists)
    false.mul_(weights)
    gradient = (true * targets).baddbmm_(false, against)
    outputs = _Outputs(windows, noise, size, windows.width)
    torch.mul(true, means.values, out=outputs.of_text)
    torch.bmm(false.transpose(1, 2), means.values, out=outputs.of_noise)
    gradient_of_outputs = outputs.gradient(windows.own, means.exists, weights)
    return Objective(loss, means.exists.sum(), means.gradient_of_vectors(gradient), gradient_of_outputs)


class _Outputs:
    """Memory for the gradient of output vectors, of words of the text and of noise.

    Args:
        windows: The windows.
        noise: The noise words of each block, int64 [blocks, S].
        size: Size D of a vector.
        columns: Words of the text in a block; those in and around it if not given.
    """

    def __init__(self, windows: Windows, noise: Tensor, size: int, columns: int | None = None) -> None:
        blocks, shared = noise.shape
        columns = windows.columns if columns is None else columns
        self._noise = noise
        self._values = torch.empty(blocks * (columns + shared), size, dtype=windows.dtype, device=noise.device)
        self.of_text = self._values[: blocks * columns].view(blocks, columns, size)
        self.of_noise = self._values[blocks * columns :].view(blocks, shared, size)

    def gradient(self, words: Tensor, counts: Tensor, weights: Tensor) -> RowGradient:
        """Returns the gradient.

        Args:
            words: Numbers of the words of the text, in the order of `of_text`.
            counts: Pairs of each.
            weights: What each noise word counts for in a row of a block, [blocks, B, 1].
        """
        of_noise = weights.sum(1).expand(self._noise.shape)
        rows = torch.cat([words.flatten(), self._noise.flatten()])
        return RowGradient(rows, self._values, torch.cat([counts.flatten(), of_noise.flatten()]))


class Means:
    """The mean of the vectors in each window.

    Args:
        windows: The windows.
        vectors: Vectors of the words `windows.around`, [blocks * B + 2R, D].
    """

    def __init__(self, windows: Windows, vectors: Tensor) -> None:
        self._windows = windows
        self._parts = 1 / windows.sizes.clamp(min=1)
        self._shares = windows.mask * self._parts[..., None]
        self.exists = (windows.sizes > 0).to(windows.dtype)  # 1 for a word whose window is not empty, [blocks, B]
        self.values = torch.bmm(self._shares, windows.around_blocks(vectors))  # [blocks, B, D]

    def gradient_of_vectors(self, gradient: Tensor) -> RowGradient:
        """Returns the gradient of the vectors, from that of the means, [blocks, B, D].

        Each of the n words in a window gets 1 / n of its mean's gradient, where word2vec.c adds the whole to each.
        """
        values = torch.bmm(self._shares.transpose(1, 2), gradient).view(-1, gradient.shape[2])
        counts = self._windows.appearances(self._parts * self.exists)
        words = self._windows.around_blocks(self._windows.around)
        return RowGradient(words.flatten(), values, counts.flatten())


def hierarchical_softmax(
    windows: Windows, vectors: Tensor, table: Tensor, nodes: Tensor, signs: Tensor, mean: bool
) -> Objective:
    """Finds each word in a binary tree, from each word in its window, or from their mean (CBOW).

    Args:
        windows: The windows.
        vectors: Input vectors of the words `windows.around`, [blocks * B + 2R, D].
        table: Vectors of the inner nodes of the tree, [V - 1, D].
        nodes: The nodes on the way to each of the words `windows.own`, int64 [blocks * B, L].
        signs: 1 where the way goes left, -1 where it goes right, 0 behind its end; float [blocks * B, L].
        mean: Whether the mean predicts.
    """
    n, size, radius = len(nodes), vectors.shape[1], windows.radius
    means = Means(windows, vectors) if mean else None
    if means is not None:
        inputs, inside = means.values.view(n, 1, size), means.exists.view(n, 1)
    else:
        inputs, inside = vectors.as_strided((n, 2 * radius + 1, size), (size, size, 1)), windows.rings.flatten(0, 1)
    on_the_way = table[nodes]  # [blocks * B, L, D]
    weights = inside[..., None] * signs.abs()[:, None]  # [blocks * B, 2R + 1 or 1, L]
    right = (torch.bmm(inputs, on_the_way.transpose(1, 2)) * signs[:, None]).sigmoid_()
    loss = _surprise(right.clone(), weights).sum()
    errors = right.sub_(1).mul_(weights).mul_(signs[:, None])
    outputs = torch.bmm(errors.transpose(1, 2), inputs).view(-1, size)
    gradient = torch.bmm(errors, on_the_way)
    counts = (inside.sum(1, keepdim=True) * signs.abs()).flatten()
    if means is not None:
        of_words = means.gradient_of_vectors(gradient.view(windows.blocks, windows.width, size))
    else:
        sums = torch.zeros_like(vectors)
        for column in range(2 * radius + 1):
            sums[column : column + n] += gradient[:, column]
        in_windows = windows.appearances(torch.ones_like(windows.sizes))[:, radius : radius + windows.width]
        of_words = RowGradient(windows.around, sums, F.pad(in_windows.flatten(), (radius, radius)))
    return Objective(loss, inside.sum(), of_words, RowGradient(nodes.flatten(), outputs, counts))


def _surprise(probabilities: Tensor, weights: Tensor) -> Tensor:
    """Returns the weighted sums of the negative logarithms of probabilities, which it overwrites.

    Args:
        probabilities: [N, ..., M].
        weights: Weight of each, [N, ..., M], or of each row, [N, ..., 1].

    Returns:
        [N]. They do not depend on how many are computed at once.
    """
    logarithms = probabilities.clamp_(min=SMALLEST).log_()
    if weights.shape[-1] == 1:
        logarithms = logarithms.sum(-1, keepdim=True)
    return -logarithms.mul_(weights).flatten(1).sum(1)
