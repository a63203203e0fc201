"""Networks that captioners see pictures with: maps of a picture, and all of it packed in one vector of features."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.efficientnet_lite import SCALES, EfficientNetLite, Version
from lightning_modules.layers.initializers import initialize

NetworkName = Literal[
    "convnet",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "efficientnet_lite3",
    "efficientnet_lite4",
    "inception_v3",
]


@dataclass(frozen=True)
class PictureNetwork:
    """A network in two parts.

    Attributes:
        maps: Makes maps [B, C, H, W] of pictures.
        top: Makes the maps [B, D, H, W] of these, whose means are a vector of the whole picture; an empty chain if C
            is D.
        channels: C.
        width: D.
        least: Pixels of the smallest picture.
        rename: Gives a weight that others publish its name in `Packed`.
    """

    maps: nn.Sequential
    top: nn.Sequential
    channels: int
    width: int
    least: int
    rename: Callable[[str], str]


class Packed(nn.Module):
    """Packs maps and the means of what is made of them into a vector: the maps place by place, then the means.

    Args:
        maps: See `PictureNetwork`.
        top: See `PictureNetwork`.
        places: Whether the maps are kept; else the means alone are.
    """

    def __init__(self, maps: nn.Module, top: nn.Module, places: bool) -> None:
        super().__init__()
        self.maps = maps
        self.top = top
        self.places = places

    def forward(self, images: Tensor) -> Tensor:
        """Returns features [B, F] of pictures [B, C, H, W]."""
        maps = self.maps(images)
        means = self.top(maps).mean((2, 3))
        return torch.cat([maps.flatten(2).transpose(1, 2).flatten(1), means], 1) if self.places else means

    def extra_repr(self) -> str:
        """Returns the setting, which is a part of the key of kept features."""
        return f"places={self.places}"


def make_picture_network(name: NetworkName, image_size: int, in_channels: int = 3) -> PictureNetwork:
    """Makes a network.

    Args:
        name: `convnet` for four small convolutions, `efficientnet_lite0` to `efficientnet_lite4`, or `inception_v3` of
            torchvision.
        image_size: Height and width of the pictures.
        in_channels: Channels of the pictures.

    Raises:
        InputError: They are too small, or have other channels than the network has weights for.
    """
    efficient = {f"efficientnet_{version}": partial(_efficientnet, version) for version in SCALES}
    makers = {"convnet": _convnet, "inception_v3": _inception_v3, **efficient}
    network = makers[name](in_channels)
    if image_size < network.least:
        raise InputError(
            f"model.network {name}: needs pictures of {network.least} pixels, not {image_size} (data.image_size)"
        )
    return network


def _convnet(in_channels: int) -> PictureNetwork:
    layers, channels = [], in_channels
    for width in (32, 64, 128, 256):
        layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    maps = nn.Sequential(*layers)
    initialize(maps, "he", 0.0)
    return PictureNetwork(maps, nn.Sequential(), channels, channels, 16, "maps.{}".format)


def _efficientnet(version: Version, in_channels: int) -> PictureNetwork:
    whole = EfficientNetLite(1, in_channels, 32, version)  # of any size: it has no layer that depends on it
    parts = nn.Sequential(OrderedDict(stem=whole.stem, blocks=whole.blocks))

    def rename(key: str) -> str:
        (ours,) = whole.from_torchvision({key: torch.empty(0)})
        return ours if ours.startswith("top.") else f"maps.{ours}"

    join = whole.top[0]  # a convolution of one place
    return PictureNetwork(parts, whole.top, join.in_channels, join.out_channels, 32, rename)


def _inception_v3(in_channels: int) -> PictureNetwork:
    if in_channels != 3:
        raise InputError(f"model.network inception_v3: needs pictures of 3 channels, not {in_channels}")
    from torchvision.models import inception_v3

    whole = inception_v3(weights=None, aux_logits=False, transform_input=False, init_weights=False)
    parts = OrderedDict(
        (name, part) for name, part in whole.named_children() if name not in ("avgpool", "dropout", "fc")
    )
    return PictureNetwork(nn.Sequential(parts), nn.Sequential(), 2048, 2048, 75, "maps.{}".format)
