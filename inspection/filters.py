"""The filters of the first layer, as pictures."""

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import plain
from core.media import Figure
from inspection.layers import Call
from inspection.subject import Subject, is_classifier
from inspection.views import NotShown, Shown, View

MOST = 64  # filters that are drawn
COLUMNS = 16
LETTERS = 12  # of a name above a filter


def make(subject: Subject) -> Iterator[Shown]:
    """Draws the weights of the first layer that sees the picture.

    Raises:
        NotShown: The first layer has no weights for each pixel or each place of a patch.
    """
    shape = subject.images().shape[1:]
    found = first_filters(subject.calls, shape)
    if found is None:
        raise NotShown(f"no layer of {type(subject.model).__name__} has weights for pixels or patches of pixels")
    layer, weights = found
    name = f"{type(layer.module).__name__} {layer.name}"
    kind = "each has the size of a picture" if weights.shape[2:] == shape[1:] else f"{weights.shape[-1]} pixels wide"
    trained = any(parameter.requires_grad for parameter in layer.module.parameters(recurse=False))
    fixed = "" if trained else "; this layer is fixed and does not train"
    n = len(weights)
    places = strongest(weights)
    drawn = weights[places]
    of = "" if len(drawn) == n else f", the {len(drawn)} largest"
    scores = is_classifier(subject.model, subject.data) and is_last(subject.calls, layer)
    classes = subject.data.class_names if scores and len(subject.data.class_names) == n else ()
    figure = draw_filters(
        drawn, f"{n} filters of {layer.name}{of}", [plain(classes[place]) for place in places] if classes else ()
    )
    yield Shown(
        Figure(name="filters", step=subject.step, figure=figure), f"The {n} filters of {name}{of}: {kind}{fixed}."
    )


def first_filters(calls: list[Call], shape: tuple[int, ...]) -> tuple[Call, Tensor] | None:
    """Returns the first layer with weights for the picture, and them, float32 [N, C, h, w]; None if there is none.

    Args:
        calls: The layers in their order.
        shape: Channels, height and width of the picture.
    """
    channels, height, width = shape
    for one in calls:
        own = dict(one.module.named_parameters(recurse=False)) | dict(one.module.named_buffers(recurse=False))
        weight = own.get("weight")
        if not one.is_leaf or weight is None:
            continue
        weight = weight.detach().float().cpu()
        if weight.ndim == 4 and weight.shape[1] == channels and len(one.given) == 4:
            return one, weight
        if weight.ndim == 2 and weight.shape[1] == channels * height * width:
            return one, weight.view(-1, channels, height, width)
        if weight.ndim > 1:
            return None  # what comes behind does not see the picture itself
    return None


def is_last(calls: list[Call], layer: Call) -> bool:
    """Returns whether no layer with weights is called behind one, so that its outputs are the network's."""
    behind = calls[calls.index(layer) + 1 :]
    return not any(one.is_leaf and [*one.module.parameters()] for one in behind)


def strongest(weights: Tensor, most: int = MOST) -> Tensor:
    """Returns the places of the filters with the largest weights, at most so many, in their order."""
    return weights.flatten(1).norm(dim=1).topk(min(most, len(weights))).indices.sort().values


def draw_filters(weights: Tensor, title: str, names: Sequence[str]) -> MatplotlibFigure:
    """Draws filters, each on a scale of its own: in colours, on which 0 is grey, or from blue over white (0) to red.

    Args:
        weights: float32 [N, C, h, w], with 3 channels in colours, or any other number, whose mean is drawn.
        title: Title.
        names: Of each filter what stands above it, if anything does.
    """
    columns = min(COLUMNS, len(weights))
    rows = -(-len(weights) // columns)
    side = 0.62 if weights.shape[-1] <= 8 else 0.9
    height = side + (0.2 if names else 0.0)
    figure = MatplotlibFigure(figsize=(max(4.0, side * columns), height * rows + 0.5), dpi=120, layout="constrained")
    scaled = weights / weights.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    for axes, one in zip(figure.subplots(rows, columns, squeeze=False).flat, scaled, strict=False):
        if one.shape[0] == 3:
            axes.imshow((0.5 + 0.5 * one).permute(1, 2, 0).numpy(), interpolation="nearest")
        else:
            axes.imshow(one.mean(0).numpy(), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    for axes in figure.axes:
        axes.axis("off")
    for axes, name in zip(figure.axes, names, strict=False):
        axes.set_title(name[:LETTERS], fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


VIEW = View(
    "filters",
    "Filters of the first layer",
    "What the first layer looks for in a picture: edges of some direction, spots, colours. Filters that look like "
    "noise may not have learned, or not long enough; those of a network on whole pictures are templates. Each has a "
    "scale of its own. With three colours grey is 0; else red is above 0, blue below it, and white is 0.",
    make,
)
