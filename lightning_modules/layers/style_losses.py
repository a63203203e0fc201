"""What style transfer compares: features, their Gram matrices, and the differences of neighbouring pixels."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

Scale = Literal["relative", "absolute"]


class Targets(NamedTuple):
    """What a picture is compared with.

    Attributes:
        content: Features of the content by layer, [1, C, h, w].
        grams: Gram matrices of each style by layer, [C, C].
    """

    content: dict[str, Tensor]
    grams: list[dict[str, Tensor]]


class Weighting(NamedTuple):
    """How losses are added up.

    Attributes:
        content: Weight of each layer in the content loss.
        style: Weight of each layer in the style loss.
        scale: `relative` divides each layer's mean squared error by the mean square of what it is compared with, so
            that one setting fits all networks. `absolute`, the form of anishathalye/neural-style, takes mean squared
            errors as they are, of Gram matrices that are also divided by the channels C. With the same weights the
            style loss of Gatys et al. is C^2 / 4 times as large in a layer, that of Johnson et al. C^2 times.
    """

    content: Mapping[str, float]
    style: Mapping[str, float]
    scale: Scale = "relative"

    def content_loss(self, features: Mapping[str, Tensor], targets: Targets) -> Tensor:
        """Returns the weighted sum of the mean squared errors of features."""
        return sum(
            weight * self.error(full(features[layer]), targets.content[layer]) for layer, weight in self.content.items()
        )

    def style_loss(self, grams: Mapping[str, Tensor], targets: Targets, shares: Tensor) -> Tensor:
        """Returns the weighted sum of the mean squared errors of Gram matrices, over layers and styles."""
        return sum(
            share * weight * self.error(grams[layer], target[layer])
            for share, target in zip(shares.unbind(), targets.grams, strict=True)
            for layer, weight in self.style.items()
        )

    def error(self, value: Tensor, target: Tensor) -> Tensor:
        """Returns a mean squared error, divided by the target's mean square if it is relative."""
        error = (value - target).square().mean()
        return error / target.square().mean().clamp(min=1e-12) if self.scale == "relative" else error

    def gram(self, features: Tensor, amount: Tensor | None = None) -> Tensor:
        """Returns the Gram matrix [C, C] of features [1, C, h, w], in float32.

        Args:
            features: The features.
            amount: How much each place counts, from 0 to 1, [1, 1, h, w]; all alike if not given.
        """
        places = float(features.shape[-2] * features.shape[-1]) if amount is None else amount.sum().clamp(min=1e-6)
        products = gram_sum(features, amount)
        return products / (places * (len(products) if self.scale == "absolute" else 1))


def full(values: Tensor) -> Tensor:
    """Returns values in float32 where they are of less, as under autocast."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def gram_sum(features: Tensor, amount: Tensor | None = None) -> Tensor:
    """Returns the products of all pairs of channels, summed over places, [C, C].

    Args:
        features: [1, C, h, w].
        amount: How much each place counts, [1, 1, h, w]; all alike if not given.
    """
    with torch.autocast(features.device.type, enabled=False):  # sums of many products need more than 8 bits
        # a view in either layout, and by `squeeze`: the gradient of an index would be copied into zeros
        rows = full(features.squeeze(0)).permute(1, 2, 0).flatten(0, 1)
        return Products.apply(rows, None if amount is None else amount.flatten()[:, None].to(rows))


class Products(torch.autograd.Function):
    """Products of all pairs of columns, whose gradient takes one product of matrices where autograd's takes two."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, amount: Tensor | None) -> Tensor:
        """Returns [C, C] of rows [P, C], each weighted by an amount [P, 1] if there is one."""
        ctx.save_for_backward(rows, amount)
        return rows.T @ (rows if amount is None else rows * amount)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None]:
        """Returns the gradient with respect to the rows, in their layout."""
        rows, amount = ctx.saved_tensors
        slopes = outer + outer.T
        gradient = rows @ slopes if rows.is_contiguous() else (slopes @ rows.T).T
        return (gradient if amount is None else gradient * amount), None


def total_variation(picture: Tensor) -> Tensor:
    """Returns the mean squared difference of vertical neighbours plus that of horizontal ones.

    Args:
        picture: [N, C, H, W].
    """
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    return down + (picture[..., 1:] - picture[..., :-1]).square().mean()
