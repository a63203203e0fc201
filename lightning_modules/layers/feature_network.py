"""Fixed networks of VGG's kind, whose layers' outputs describe pictures.

Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from core.errors import InputError
from lightning_modules.layers.deterministic import ReflectingConv2d

Pooling = Literal["max", "average"]
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # red, green, blue; from 0 to 255


@dataclass(frozen=True)
class Form:
    """What a network of VGG's kind is, apart from its weights.

    Attributes:
        convolutions: Number of them in each block, between which are poolings.
        mean: What is subtracted from red, green and blue, which are from 0 to 255.
        std: What the rest is divided by.
        mixes: Whether a convolution of 1x1 on the colours comes before the first block.
        padding: How convolutions continue pictures beyond their edges.
    """

    convolutions: tuple[int, ...]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    mixes: bool = False
    padding: Literal["zeros", "reflect"] = "zeros"

    def names(self) -> list[str]:
        """Returns the names of the convolutions in order, such as `conv1_1`."""
        numbered = [f"conv{block}_{n}" for block, count in enumerate(self.convolutions, 1) for n in range(1, count + 1)]
        return ["conv0"] * self.mixes + numbered


VGG16, VGG19 = Form((2, 2, 3, 3, 3)), Form((2, 2, 4, 4, 4))


class Place(NamedTuple):
    """How a layer lies on the picture.

    Attributes:
        stride: Pixels between its neighbouring outputs.
        radius: How far the pixels that an output depends on lie around it, at most.
        channels: Channels of its output.
    """

    stride: int
    radius: int
    channels: int


class Scaling(nn.Module):
    """Subtracts a mean from colours and divides them."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns scaled pixels [N, 3, H, W]."""
        return (pixels - self.mean) / self.std


class Features(nn.Module):
    """The layers of a fixed network up to the last that is asked for.

    Its weights are constants: no optimizer changes them, and no checkpoint holds them.

    Args:
        layers: Names of the layers whose outputs are returned.

    Attributes:
        steps: The layers in order, by name.
        places: How they lie on the picture, by name.
        rounds_up: Whether a layer with a stride has one place more where a side does not divide.
        has_radius: Whether the places say how far layers look.
    """

    rounds_up = False
    has_radius = True

    def __init__(self, layers: Iterable[str]) -> None:
        super().__init__()
        self.wanted = tuple(layers)
        self.places: dict[str, Place] = {}
        self.steps = nn.Sequential()

    def add(self, named: Iterable[tuple[str, nn.Module, Place]]) -> None:
        """Adds layers up to the last that is asked for, and makes all weights constants.

        Raises:
            InputError: A layer that is asked for is not among them.
        """
        left, names = set(self.wanted), []
        for name, step, place in named:
            names.append(name)
            if left:
                self.steps.add_module(name, step)
                self.places[name] = place
                left.discard(name)
        if left:
            raise InputError(f"{sorted(left)[0]}: the network has no such layer; it has {', '.join(names)}")
        as_constants(self)

    def size_at(self, layer: str, size: tuple[int, int]) -> tuple[int, int]:
        """Returns height and width of a layer's output, of a picture's."""
        stride = self.places[layer].stride
        height, width = (-(-side // stride) if self.rounds_up else side // stride for side in size)
        return height, width

    def forward(self, pixels: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Returns the outputs of the layers that are asked for.

        Args:
            pixels: Pictures from 0 to 255, [N, 3, H, W], or [N, 1, H, W] of luminance.
            layers: Those of the network's `wanted` that are needed now; all if not given. What follows is not run.

        Returns:
            [N, C, h, w] by name.
        """
        found, left = {}, set(self.wanted if layers is None else layers)
        x = pixels.expand(-1, 3, -1, -1)
        for name, step in self.steps.named_children():
            x = step(x)
            if name in left:
                found[name] = x
                left.discard(name)
            if not left:
                break
        return found


class FeatureNetwork(Features):
    """A network of VGG's kind.

    Args:
        form: What kind of network it is.
        weights: Kernels and biases by name, such as `conv1_1.weight`.
        layers: Names of the layers whose outputs are returned: `conv1_1` before and `relu1_1` after its ReLU, `pool1`.
        pooling: The largest of four outputs, as trained, or their mean, which makes smoother pictures.

    Raises:
        InputError: It has no such layer.
    """

    def __init__(self, form: Form, weights: Mapping[str, Tensor], layers: Iterable[str], pooling: Pooling) -> None:
        super().__init__(layers)
        self.steps.add_module("scaling", Scaling(form.mean, form.std))
        self.add(self._layers(form, weights, pooling))

    def _layers(
        self, form: Form, weights: Mapping[str, Tensor], pooling: Pooling
    ) -> Iterable[tuple[str, nn.Module, Place]]:
        """Yields name, module and place of all layers in order."""
        stride, radius, channels, block = 1, 0, 3, 1
        for name in form.names():
            if name.startswith("conv") and name != "conv0" and int(name[4]) != block:
                pool = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)
                radius, stride = radius + stride, 2 * stride
                yield f"pool{block}", pool, Place(stride, radius, channels)
                block += 1
            kernel = weights[f"{name}.weight"]
            channels, size = len(kernel), kernel.shape[-1]
            radius += size // 2 * stride
            if form.padding == "reflect":
                step = ReflectingConv2d(kernel.shape[1], channels, size)
            else:
                step = nn.Conv2d(kernel.shape[1], channels, size, padding=size // 2)
            step.weight.data, step.bias.data = kernel.clone(), weights[f"{name}.bias"].clone()
            yield name, step, Place(stride, radius, channels)
            if name != "conv0":
                # in place where nobody asks for what was there before: half the memory
                in_place = name not in self.wanted
                yield name.replace("conv", "relu"), nn.ReLU(in_place), Place(stride, radius, channels)


def as_constants(network: nn.Module) -> None:
    """Makes all weights of a network constants: they stay as they are, and are in no checkpoint."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                del module._parameters[name]
                module.register_buffer(name, parameter.detach(), persistent=False)
        module._non_persistent_buffers_set |= set(module._buffers)
