"""Grad-CAM: which places of a picture speak for a class.

Ramprasaath Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV
2017, arXiv:1610.02391.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import plain, shortened
from core.media import Figure
from inspection.layers import Call, map_layers, outputs_of
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

FINE = 5  # pixels of a map's side, from which on it tells places from each other
CLASSES = 2  # of each picture
NAME_WIDTH = 12  # letters of a class name above a picture


def make(subject: Subject) -> Iterator[Shown]:
    """Draws for each picture what speaks for its two most probable classes.

    Raises:
        NotShown: The network has no maps.
    """
    images = subject.images()
    layer = chosen_layer(subject.calls)
    if layer is None:
        raise NotShown(f"{type(subject.model).__name__} has no layers of maps")
    order = subject.seen.probabilities.topk(min(CLASSES, subject.seen.probabilities.shape[1])).indices
    heat = [grad_cam(subject, layer, images, order[:, rank]) for rank in range(order.shape[1])]
    figure = draw_heat(subject, heat, order)
    yield Shown(
        Figure(name="grad_cam", step=subject.step, figure=figure),
        f"By the maps of {layer.name}, {layer.returned[2]} x {layer.returned[3]} places, the deepest that tell places "
        "from each other; red speaks for the class.",
    )


def chosen_layer(calls: list[Call]) -> Call | None:
    """Returns the deepest layer whose maps are fine enough, or the finest there is; None without maps."""
    layers = map_layers(calls)
    fine = [one for one in layers if one.map_side >= FINE]
    return fine[-1] if fine else max(layers, key=lambda one: one.map_side, default=None)


def grad_cam(subject: Subject, layer: Call, images: Tensor, classes: Tensor) -> Tensor:
    """Returns how much each place of a layer's maps speaks for a class, from 0 to 1, float32 [N, h, w] on the CPU.

    Args:
        subject: Has the network.
        layer: The layer.
        images: The pictures, [N, C, H, W].
        classes: The class of each, int64 [N].
    """
    with subject.explaining():
        logits, (maps,) = outputs_of([layer], lambda: subject.model(images.clone().requires_grad_()))
        chosen = logits.gather(1, classes.to(logits.device)[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen, maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps.detach()).sum(1).clamp(min=0)
    return (heat / heat.amax((1, 2), keepdim=True).clamp(min=1e-12)).float().cpu()


def draw_heat(subject: Subject, heat: list[Tensor], classes: Tensor) -> MatplotlibFigure:
    """Draws pictures, and over each what speaks for its classes.

    Args:
        subject: Has the pictures.
        heat: Of each class, float32 [N, h, w].
        classes: The classes, int64 [N, number of classes].
    """
    pixels, seen = subject.pixels(), subject.seen
    n = len(pixels)
    names = [shortened(name, NAME_WIDTH) for name in subject.data.class_names]
    figure = MatplotlibFigure(figsize=(1.45 * n, 1.75 * (1 + len(heat))), dpi=120, layout="constrained")
    table = figure.subplots(1 + len(heat), n, squeeze=False)
    for column in range(n):
        target = int(seen.targets[column])
        picture = pixels[column].squeeze(-1).numpy()
        titles = [names[target] if target >= 0 else plain(subject.example_names()[column][-16:])]
        for rank in range(len(heat)):
            one = int(classes[column, rank])
            titles.append(f"{names[one]}: {seen.probabilities[column, one]:.0%}")
        for row, title in enumerate(titles):
            axes = table[row, column]
            axes.axis("off")
            axes.set_title(title, fontsize=10, color=_colour(row, target, int(classes[column, max(0, row - 1)])))
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            if row:
                fine = F.interpolate(heat[row - 1][column, None, None], picture.shape[:2], mode="bilinear")[0, 0]
                axes.imshow(fine.numpy(), cmap="turbo", alpha=0.65 * fine.numpy(), vmin=0, vmax=1)
    return figure


def _colour(row: int, target: int, shown: int) -> str:
    """Returns the colour of a title: red for the most probable class where it is wrong."""
    return "tab:red" if row == 1 and target >= 0 and shown != target else "black"


VIEW = View(
    "grad_cam",
    "Grad-CAM",
    "Which places of a picture speak for a class: the gradient of the class's score says how much each channel "
    "matters, and the channels' maps, weighted by it, say where. The upper row has the picture and its true class, "
    "the others its most probable classes. A network that looks at the background instead of the thing has learned "
    "something else than was meant.",
    make,
)
