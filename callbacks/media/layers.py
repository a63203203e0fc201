"""How the values in a network are spread: of its weights, of their gradients, and of what its layers give."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from core.media import Histogram
from core.nested_tensors import tensors_of
from core.protocols.general import NamesLosses

BINS = 64
MOST = 2**17  # values of a tensor that are counted, evenly spaced where it has more
NAMED = 30  # layers whose names are written in a figure
PASSING_ON = (nn.Identity, nn.Flatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d)  # whose outputs are their inputs


def histograms_of(model: nn.Module, batch: Any) -> dict[str, Histogram]:
    """Returns how weights, gradients and activations are spread.

    Gradients and activations need a network that names its losses. Activations are the outputs of leaf modules that
    compute something; for a module that runs several times, its first output.

    Args:
        model: The network, in the mode in which it is to be measured.
        batch: Batch for which gradients and activations are computed; None for weights alone.

    Returns:
        By `weights/`, `gradients/` or `activations/` and the name of the parameter or module.
    """
    found = {f"weights/{name}": histogram(parameter) for name, parameter in model.named_parameters()}
    if batch is not None and isinstance(model, NamesLosses):
        activations: dict[str, Histogram | None] = {}
        with ExitStack() as stack:
            for name, module in _layers(model):
                stack.callback(module.register_forward_hook(_counting(f"activations/{name}", activations)).remove)
            loss = torch.stack([loss.sum() for loss in model.losses(batch).values()]).sum()
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        if loss.requires_grad and trained:
            gradients = torch.autograd.grad(loss, [*trained.values()], allow_unused=True)
            for name, gradient in zip(trained, gradients, strict=True):
                if gradient is not None:
                    found[f"gradients/{name}"] = histogram(gradient)
        found |= activations
    return {name: one for name, one in found.items() if one is not None}


def histogram(tensor: Tensor) -> Histogram | None:
    """Counts the values of a tensor in bins of equal width; None if it has no finite ones."""
    values = tensor.detach().flatten()
    step = -(-len(values) // MOST)
    values = values[:: step + (step % 2 == 0)]  # an odd step meets every column of a picture
    values = values.cpu().float()
    values = values[values.isfinite()]
    if not len(values):
        return None
    least, largest = (float(end) for end in values.aminmax())
    low, high = (least, largest) if least < largest else (least - 0.5, largest + 0.5)
    counts = torch.histc(values, BINS, low, high).double()
    edges = torch.linspace(low, high, BINS + 1, dtype=torch.float64)
    mean, deviation = float(values.mean()), float(values.std(correction=0))
    return Histogram(counts, edges, mean, deviation, least, largest, float((values == 0).float().mean()))


def draw_layers(histograms: Mapping[str, Histogram]) -> Figure:
    """Draws how activations and gradients are spread, layer by layer from the input to the output.

    Args:
        histograms: What `histograms_of` returns.

    Returns:
        The figure; a network without gradients and activations has its weights drawn.
    """
    kinds = {kind: _of_kind(histograms, kind) for kind in ("activations", "gradients", "weights")}
    drawn = {kind: found for kind, found in kinds.items() if found and (kind != "weights" or not kinds["gradients"])}
    figure = Figure(figsize=(7, 3.2 * len(drawn)), dpi=120, layout="constrained")
    for axes, (kind, found) in zip(figure.subplots(len(drawn), squeeze=False).flat, drawn.items(), strict=True):
        places = range(len(found))
        if kind == "activations":
            means = torch.tensor([one.mean for one in found.values()])
            deviations = torch.tensor([one.deviation for one in found.values()])
            axes.plot(places, means, "o-", markersize=3, label="mean")
            axes.fill_between(places, means - deviations, means + deviations, alpha=0.25, label="standard deviation")
            axes.legend(fontsize=8)
        else:
            deviations = [one.deviation for one in found.values()]
            shown = deviations if not any(deviations) else [size or float("nan") for size in deviations]
            axes.plot(places, shown, "o-", markersize=3)  # a logarithmic axis has no 0
            axes.set(yscale="log" if any(deviations) else "linear", ylabel="standard deviation")
        axes.set_title(kind, fontsize=10)
        _name_places(axes, [*found])
    return figure


def _of_kind(histograms: Mapping[str, Histogram], kind: str) -> dict[str, Histogram]:
    """Returns the histograms of a kind by the names of their tensors, of parameters those of weights."""
    found = {name.partition("/")[2]: one for name, one in histograms.items() if name.startswith(f"{kind}/")}
    weights = {name: one for name, one in found.items() if "weight" in name}
    return weights if weights and kind != "activations" else found


def _name_places(axes: Axes, names: list[str]) -> None:
    step = -(-len(names) // NAMED)
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=60, ha="right", fontsize=7)
    axes.grid(alpha=0.3)


def _layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if name and not isinstance(module, PASSING_ON) and not any(True for _ in module.children()):
            yield name, module


def _counting(name: str, found: dict[str, Histogram | None]) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        tensors = [] if name in found else tensors_of(output)
        if tensors and tensors[0].is_floating_point():
            found[name] = histogram(tensors[0])

    return hook
