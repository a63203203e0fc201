"""Losses of a large picture and their exact gradient, computed tile by tile in a small part of the memory.

A Gram matrix is a sum over all places, so its loss is no sum over tiles. But the derivative of the loss with respect
to the matrix follows from the whole matrix, and once that is known, tiles can be differentiated one after the other.
The network sees each tile with a margin as wide as its layers look, so that nothing changes at the seams.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightning_modules.layers.feature_network import Features, Place


class Tile(NamedTuple):
    """A part of a picture, and the larger part that the network sees.

    Attributes:
        inner: First row, last row + 1, first column, last column + 1 of the part.
        outer: Those of what is seen.
        ends: Whether the part goes to the picture's lower and right edge.
    """

    inner: tuple[int, int, int, int]
    outer: tuple[int, int, int, int]
    ends: tuple[bool, bool]

    def seen(self, picture: Tensor) -> Tensor:
        """Returns what the network sees, of a picture [N, C, H, W]."""
        top, bottom, left, right = self.outer
        return picture[..., top:bottom, left:right]

    def inside(self, features: Tensor, place: Place) -> Tensor:
        """Returns the features of the inner part, of those of the outer."""
        (top, bottom, left, right), (first, _, begin, _) = self.inner, self.outer
        stride = place.stride
        rows = slice((top - first) // stride, None if self.ends[0] else (bottom - first) // stride)
        columns = slice((left - begin) // stride, None if self.ends[1] else (right - begin) // stride)
        return features[..., rows, columns]

    def of_whole(self, features: Tensor, place: Place) -> Tensor:
        """Returns the part of a whole picture's features that belongs to the inner part."""
        return self._replace(outer=(0, 0, 0, 0)).inside(features, place)


def tiles_of(height: int, width: int, size: int, network: Features) -> Iterator[Tile]:
    """Yields the tiles of a picture.

    Args:
        height: Its height.
        width: Its width.
        size: Longest side of a tile without its margin.
        network: The network, whose layers decide about the margin.
    """
    stride = max(place.stride for place in network.places.values())
    radius = max(place.radius for place in network.places.values())
    margin = -(-radius // stride) * stride
    step = max(stride, size // stride * stride)
    for top, bottom in _parts(height, step, stride):
        for left, right in _parts(width, step, stride):
            rows = max(0, top - margin), min(height, bottom + margin)
            columns = max(0, left - margin), min(width, right + margin)
            yield Tile((top, bottom, left, right), (*rows, *columns), (bottom == height, right == width))


def _parts(length: int, step: int, stride: int) -> list[tuple[int, int]]:
    """Returns beginnings and ends; a rest that is smaller than the stride belongs to the part before it."""
    starts = [start for start in range(0, length, step) if not start or length - start >= stride]
    return list(zip(starts, [*starts[1:], length], strict=True))


class Attached(torch.autograd.Function):
    """A value whose gradient with respect to a picture has been computed already."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        """Returns the value."""
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None]:
        """Returns the gradient with respect to the picture."""
        (gradient,) = ctx.saved_tensors
        return outer * gradient, None, None


def differentiate(
    picture: Tensor, tiles: list[Tile], part_of_loss: Callable[[Tile, Mapping[str, Tensor]], Tensor], network: Callable
) -> Tensor:
    """Returns the gradient of a sum over tiles with respect to a picture.

    Args:
        picture: [1, C, H, W].
        tiles: Its tiles.
        part_of_loss: Gives a tile's part of the sum by the features of what the network sees of it.
        network: Gives features of pictures.
    """
    gradient = torch.zeros_like(picture)
    for tile in tiles:
        with torch.enable_grad():
            seen = tile.seen(picture.detach()).clone().requires_grad_()
            part = part_of_loss(tile, network(seen))
            (of_tile,) = torch.autograd.grad(part, seen)
        tile.seen(gradient).add_(of_tile)
    return gradient
