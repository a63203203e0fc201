"""A picture compared with the content and the styles that it is to have, as a whole or tile by tile."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lightning_modules.layers.feature_network import Features
from lightning_modules.layers.style_losses import Targets, Weighting, full, gram_sum
from lightning_modules.layers.tiles import Attached, Tile, differentiate, tiles_of


class Compared(NamedTuple):
    """Losses of a picture.

    Attributes:
        content: Content loss.
        style: Style loss.
        weighted: The sum of both by their weights, which can be differentiated where gradients are on.
    """

    content: Tensor
    style: Tensor
    weighted: Tensor


@dataclass
class Comparison:
    """Measures how far a picture's features are from those of its content, and its Gram matrices from the styles'.

    Attributes:
        network: Gives the features.
        weighting: Weights of the layers.
        content_weight: Weight of the content loss.
        style_weight: Weight of the style loss.
        tile: Longest side of the tiles that pictures are taken in; None takes them whole.
        style_of: Whose Gram matrices are compared: the `picture`'s, or by a published mistake the `style`'s own.
    """

    network: Features
    weighting: Weighting
    content_weight: float = 1.0
    style_weight: float = 1.0
    tile: int | None = None
    style_of: Literal["picture", "style"] = "picture"

    @torch.no_grad()
    def targets(self, content: Tensor, styles: list[Tensor]) -> Targets:
        """Measures what pictures are compared with.

        Args:
            content: [1, C, H, W].
            styles: Each [1, C, h, w].
        """
        return Targets(self._describe(content, None)[0], [self._describe(style, None)[1] for style in styles])

    def amounts(self, mask: Tensor, size: tuple[int, int]) -> dict[str, Tensor] | None:
        """Returns how much each place of the style layers counts by a mask; None for an empty mask.

        Args:
            mask: [1, 1, H, W], or empty.
            size: Height and width of the picture.
        """
        if not mask.numel():
            return None
        return {
            layer: interpolate(mask, self.network.size_at(layer, size), mode="area") for layer in self.weighting.style
        }

    def compare(
        self, picture: Tensor, targets: Targets, shares: Tensor, amounts: Mapping[str, Tensor] | None = None
    ) -> Compared:
        """Returns the losses of a picture.

        Args:
            picture: [1, C, H, W].
            targets: What it is compared with.
            shares: Weight of each style.
            amounts: How much each place of a layer counts in its Gram matrix.
        """
        if self._tiles(picture) is not None:
            return self._compare_in_tiles(picture, targets, shares, amounts)
        features = self.network(picture)
        grams = {
            layer: self.weighting.gram(features[layer], amounts and amounts[layer]) for layer in self.weighting.style
        }
        content = self.weighting.content_loss(features, targets)
        return self._compared(content, self._style_loss(grams, targets, shares))

    def _compared(self, content: Tensor, style: Tensor) -> Compared:
        return Compared(content, style, self.content_weight * content + self.style_weight * style)

    def _style_loss(self, grams: Mapping[str, Tensor], targets: Targets, shares: Tensor) -> Tensor:
        own = self.style_of == "style"
        return self.weighting.style_loss(targets.grams[0] if own else grams, targets, shares)

    def _tiles(self, picture: Tensor) -> list[Tile] | None:
        """Returns the tiles of a picture; None if it is taken as a whole."""
        height, width = picture.shape[-2:]
        if self.tile is None or max(height, width) <= self.tile:
            return None
        return list(tiles_of(height, width, self.tile, self.network))

    def _describe(
        self, picture: Tensor, amounts: Mapping[str, Tensor] | None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Returns the features of the content layers and the Gram matrices of the style layers, without gradients."""
        tiles = self._tiles(picture)
        if tiles is None:
            features = self.network(picture)
            grams = {layer: self.weighting.gram(features[layer]) for layer in self.weighting.style}
            return {layer: full(features[layer]) for layer in self.weighting.content}, grams
        sums: dict[str, Tensor] = {}
        content: dict[str, Tensor] = {}
        for tile in tiles:
            features = self.network(tile.seen(picture))
            for layer in self.weighting.style:
                products = self._tile_products(tile, features, layer, amounts)
                sums[layer] = sums[layer] + products if layer in sums else products
            for layer in self.weighting.content:
                place = self.network.places[layer]
                if layer not in content:
                    size = self.network.size_at(layer, picture.shape[-2:])
                    content[layer] = picture.new_empty(1, place.channels, *size)
                tile.of_whole(content[layer], place).copy_(tile.inside(features[layer], place))
        return content, {layer: products / self._norm(picture, layer, amounts) for layer, products in sums.items()}

    def _tile_products(
        self, tile: Tile, features: Mapping[str, Tensor], layer: str, amounts: Mapping[str, Tensor] | None
    ) -> Tensor:
        place = self.network.places[layer]
        amount = None if amounts is None else tile.of_whole(amounts[layer], place)
        return gram_sum(tile.inside(features[layer], place), amount)

    def _norm(self, picture: Tensor, layer: str, amounts: Mapping[str, Tensor] | None) -> float | Tensor:
        """Returns what sums of products are divided by, as `Weighting.gram` does."""
        place = self.network.places[layer]
        height, width = self.network.size_at(layer, picture.shape[-2:])
        places = height * width if amounts is None else amounts[layer].sum().clamp(min=1e-6)
        return places * (place.channels if self.weighting.scale == "absolute" else 1)

    def _compare_in_tiles(
        self, picture: Tensor, targets: Targets, shares: Tensor, amounts: Mapping[str, Tensor] | None
    ) -> Compared:
        tiles = self._tiles(picture)
        with torch.no_grad():
            features, grams = self._describe(picture, amounts)
            content = self.weighting.content_loss(features, targets)
        del features
        wants_gradient = torch.is_grad_enabled() and picture.requires_grad
        with torch.set_grad_enabled(wants_gradient):
            for gram in grams.values():
                gram.requires_grad_(wants_gradient)
            style = self._style_loss(grams, targets, shares)
        compared = self._compared(content, style.detach())
        if not wants_gradient:
            return compared
        by_gram = dict.fromkeys(grams)
        if style.requires_grad:
            by_gram = dict(zip(grams, torch.autograd.grad(style, list(grams.values())), strict=True))

        def part_of_loss(tile: Tile, seen: Mapping[str, Tensor]) -> Tensor:
            part = picture.new_zeros(())
            for layer, weight in self.weighting.content.items():
                place, target = self.network.places[layer], targets.content[layer]
                error = full(tile.inside(seen[layer], place)) - tile.of_whole(target, place)
                scale = target.square().mean().clamp(min=1e-12) if self.weighting.scale == "relative" else 1.0
                part = part + self.content_weight * weight * error.square().sum() / (math.prod(target.shape) * scale)
            for layer, slope in by_gram.items():
                if slope is not None:
                    products = self._tile_products(tile, seen, layer, amounts)
                    norm = self._norm(picture, layer, amounts)
                    part = part + self.style_weight * (slope * products).sum() / norm
            return part

        gradient = differentiate(picture, tiles, part_of_loss, self.network)
        return compared._replace(weighted=Attached.apply(picture, compared.weighted, gradient))
