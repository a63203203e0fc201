"""Activation maps: what the layers of a convolutional network make of a picture."""

from collections.abc import Iterator

import torch
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import plain
from core.media import Figure
from inspection.layers import Call, map_layers, outputs_of
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

PICTURES = 4
CHANNELS = 10  # of a layer
LAYERS = 6
NAME_WIDTH = 18  # letters at the end of a layer's name beside its maps


def make(subject: Subject) -> Iterator[Shown]:
    """Draws the channels of each size of maps that answer most to each of some pictures.

    Raises:
        NotShown: The network has no convolutions.
    """
    images = subject.images()[:PICTURES]
    layers = map_layers(subject.calls)
    if not layers:
        raise NotShown(f"{type(subject.model).__name__} has no layers of maps")
    layers = [layers[place] for place in torch.linspace(0, len(layers) - 1, min(LAYERS, len(layers))).round().int()]
    maps = maps_of(subject, layers, images)
    rows = zip(images, subject.pixels(), subject.example_names(), strict=False)
    for number, (_, pixels, name) in enumerate(rows):
        figure = draw_maps(pixels, [one[number] for one in maps], layers)
        yield Shown(
            Figure(name=f"activations_{number + 1}", step=subject.step, figure=figure),
            f"{name}{_class(subject, number)}: the {CHANNELS} channels of each layer that answer most, best first.",
        )


def _class(subject: Subject, number: int) -> str:
    """Returns the class of an example, where it is known, behind a comma."""
    target = int(subject.seen.targets[number])
    return f", {subject.data.class_names[target]}" if target >= 0 else ""


def maps_of(subject: Subject, layers: list[Call], images: Tensor) -> list[Tensor]:
    """Returns what layers make of pictures, each float32 [N, C, H, W] on the CPU."""
    with subject.explaining(), torch.no_grad():
        _, maps = outputs_of(layers, lambda: subject.model(images))
    return [one.float().cpu() for one in maps]


def draw_maps(pixels: Tensor, maps: list[Tensor], layers: list[Call]) -> MatplotlibFigure:
    """Draws a picture beside the strongest channels of layers, a row each.

    Args:
        pixels: The picture, uint8 [H, W, C].
        maps: What each layer makes of it, float32 [C, H, W].
        layers: The layers.
    """
    figure = MatplotlibFigure(figsize=(1.05 * (CHANNELS + 1.6), 1.4 * len(maps)), dpi=110, layout="constrained")
    grid = figure.add_gridspec(len(maps), CHANNELS + 1, width_ratios=[1.6, *[1] * CHANNELS])
    axes = figure.add_subplot(grid[:, 0])
    axes.imshow(pixels.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.axis("off")
    for row, (one, layer) in enumerate(zip(maps, layers, strict=True)):
        strength = one.clamp(min=0).mean((1, 2))
        for column, channel in enumerate(strength.argsort(descending=True)[:CHANNELS].tolist()):
            axes = figure.add_subplot(grid[row, column + 1])
            axes.imshow(one[channel].numpy(), cmap="magma", interpolation="nearest")
            axes.set_title(f"{channel}", fontsize=8.5, pad=2)
            axes.set(xticks=[], yticks=[])
            if column == 0:
                name = layer.name if len(layer.name) <= NAME_WIDTH else f"…{layer.name[1 - NAME_WIDTH :]}"
                size = f"{len(one)} x {one.shape[1]} x {one.shape[2]}"
                axes.set_ylabel(f"{plain(name)}\n{size}", fontsize=8.5)
    return figure


VIEW = View(
    "activations",
    "Activation maps",
    "What the layers make of a picture, from the input (top) to the output. Early maps are fine and show where an "
    "edge or a colour is; later ones are coarse and answer to parts of things wherever they are. Bright is strong; "
    "each map has a scale of its own, and its channel's number above it.",
    make,
)
