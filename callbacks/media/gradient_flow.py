"""Gradient flow: how far back in time a recurrent network learns from.

A gradient that vanishes with the distance cannot teach what far symbols mean, and one that explodes makes steps that
are too long (Bengio, Simard and Frasconi, 1994).
"""

import torch
from matplotlib.figure import Figure
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from core.measures import Measure
from core.protocols.general import GivesSamples, HasGradientNorms

ROWS = 32  # samples to average over
LEAST = 1e-12  # of the last step's norm; what is below it is not drawn
LITTLE = 1e-3  # of the last step's norm; how far back more arrives is how far the gradient reaches
REACH = Measure("gradient_reach", "max", unit="steps back", digits=0)


def has_gradient_flow(model: object, data: object) -> bool:
    """Returns whether gradient flow can be measured, which needs a recurrent model and samples of its data."""
    return isinstance(model, HasGradientNorms) and isinstance(data, GivesSamples)


def measure_gradient_flow(trainer: Trainer, model: LightningModule, data: object) -> Tensor | None:
    """Returns the norm of the gradient of a prediction with respect to the inputs before it, without side effects.

    Args:
        trainer: Gives the number format.
        model: The model, whose mode stays as it is.
        data: The data module.

    Returns:
        Norms by distance in time, float32 [T] on the CPU; None for models and data without them.
    """
    if not has_gradient_flow(model, data):
        return None
    samples = data.sample(ROWS).to(model.device)
    with torch.random.fork_rng(devices=[]), trainer.precision_plugin.forward_context():
        return model.gradient_norms(samples).cpu()


def relative_norms(norms: Tensor) -> Tensor:
    """Returns norms [T] divided by the first, NaN where there is next to nothing: a line ends there."""
    relative = norms / norms[0]
    return relative.masked_fill(relative < LEAST, float("nan"))


def reach(norms: Tensor) -> int:
    """Returns how many steps back the gradient first is less than a thousandth of the last step's; T if it never is.

    Args:
        norms: Norms of the gradient by distance in time, float32 [T].
    """
    below = (norms < LITTLE * norms[0]).nonzero()
    return int(below[0]) if len(below) else len(norms)


def draw_gradient_flow(norms: dict[str, Tensor]) -> Figure:
    """Draws how strongly a prediction depends on each input before it.

    Args:
        norms: Norms of the gradient by distance in time, float32 [T], under what each curve is called.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    for (label, values), colour in zip(norms.items(), ("tab:gray", "tab:blue"), strict=False):
        axes.plot(relative_norms(values).numpy(), color=colour, label=f"{label}: reaches {reach(values)} steps back")
    axes.axhline(LITTLE, color="black", linewidth=0.8, linestyle="dotted")  # how far it reaches
    axes.set(
        yscale="log",
        xlabel="steps back in time",
        ylabel="gradient norm, relative to the last step",
        title="what the last prediction's loss depends on",
    )
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
