"""The curve of a learning-rate range test: loss after each step over its rate, and the rate that it suggests."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from core.errors import RunFailed

WIDTH = 0.02  # of the kernel that smooths, as a share of all steps
FEWEST = 10  # steps with a finite loss, without which there is no curve
BELOW = 10  # times the suggestion is below the rate from which on steps are too long
ABOVE = 0.05  # of the fall, by which a loss may lie above the least and still be about as low
FALLS = 0.02  # of the loss, at least, from its beginning to its least


@dataclass(frozen=True)
class RateCurve:
    """What a range test has found.

    Attributes:
        rates: Learning rates, rising, float64 [N].
        losses: Loss after the step with each, float64 [N]; all finite.
        smooth: The same without most of the noise of batches.
        steepest: The rate at which the loss falls fastest over the logarithm of the rate.
        lowest: The rate at which it is least.
        longest: The highest rate behind it at which it is still about as low; from there on steps are too long. A
            network that soon learns what is common, such as which letters are frequent, waits there for a while.
        rises: Whether the loss rises behind it, or is not finite; if not, it is the last rate that was tried.
    """

    rates: Tensor
    losses: Tensor
    smooth: Tensor
    steepest: float
    lowest: float
    longest: float
    rises: bool

    @property
    def suggested(self) -> float:
        """The rate to begin with, to two digits: a tenth of the longest."""
        return float(f"{self.longest / BELOW:.1e}")


def rate_curve(rates: Sequence[float], losses: Sequence[float], diverged: bool = False) -> RateCurve:
    """Reads the curve of a range test.

    Args:
        rates: Learning rates, each a constant factor above the one before it.
        losses: Loss after the step with each.
        diverged: Whether the test ended since its last loss is several times the least.

    Raises:
        RunFailed: It ended too early, or no rate made the loss fall.
    """
    if not diverged and len(losses) < FEWEST:
        raise RunFailed(
            f"lr_find: ended after {len(losses)} steps, of which {FEWEST} are needed; a callback or the data ended it"
        )
    x, y = (torch.tensor(values, dtype=torch.float64) for values in (rates, losses))
    finite = torch.isfinite(y)
    if not finite.any():
        raise RunFailed("lr_find: the loss is not finite at any rate; fit with these settings says where it arises")
    x, y = x[finite], y[finite]
    if len(x) < FEWEST:
        raise RunFailed(f"lr_find: the loss is finite at {len(x)} rates only; begin with a lower --min_lr")
    smooth = smoothed(y, max(1.0, WIDTH * len(rates)))
    least = int(smooth.argmin())
    if smooth[0] - smooth[least] < FALLS * smooth[0].abs():
        raise RunFailed(
            f"lr_find: no rate from {x[0]:.3g} to {x[-1]:.3g} makes the loss fall; try other ends (--min_lr, --max_lr) "
            "or more --steps"
        )
    slope = torch.gradient(smooth)[0][: least + 1]
    rises = (smooth[least:] > smooth[least] + ABOVE * (smooth[0] - smooth[least])).nonzero()
    last = least + int(rises[0]) - 1 if len(rises) else len(x) - 1
    has_risen = diverged or len(rises) > 0 or not bool(finite.all())
    return RateCurve(x, y, smooth, float(x[slope.argmin()]), float(x[least]), float(x[last]), has_risen)


def smoothed(values: Tensor, width: float) -> Tensor:
    """Returns values [N] averaged with their neighbours, by a Gaussian of a width in places."""
    places = torch.arange(len(values), dtype=values.dtype)
    weights = torch.exp(-((places[:, None] - places) ** 2) / (2 * width**2))
    return weights @ values / weights.sum(1)


def draw_rate_curve(curve: RateCurve, configured: float, title: str) -> Figure:
    """Draws the loss over the rate, and marks the suggestion and what is configured.

    Args:
        curve: The curve.
        configured: The rate of the settings.
        title: Title of the plot.
    """
    figure = Figure(figsize=(7, 4.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.plot(curve.rates, curve.losses, color="tab:blue", alpha=0.3, linewidth=1, label="loss after each step")
    axes.plot(curve.rates, curve.smooth, color="tab:blue", label="smoothed")
    of, end = ("where it rises", "rises from") if curve.rises else ("the last rate", "does not rise up to")
    marks = (
        (curve.suggested, "o", "tab:red", f"suggested: {curve.suggested:g}, a tenth of {of}"),
        (curve.longest, "v", "black", f"{end}: {curve.longest:.2g}"),
        (curve.lowest, "d", "tab:orange", f"lowest: {curve.lowest:.2g}"),
        (curve.steepest, "s", "tab:green", f"falls fastest: {curve.steepest:.2g}"),
    )
    for rate, marker, colour, label in marks:
        height = curve.smooth[int((curve.rates - rate).abs().argmin())]
        axes.plot(rate, height, marker, color=colour, markersize=8, label=label)
    axes.axvline(configured, color="tab:gray", linestyle=":", label=f"configured: {configured:g}")
    low, high = float(curve.smooth.min()), float(curve.smooth[: len(curve.smooth) // 4].max())
    axes.set(
        xscale="log",
        xlim=(float(curve.rates[0]), float(curve.rates[-1])),
        ylim=(low - 0.1 * (high - low), high + 0.6 * (high - low)),
        xlabel="learning rate",
        ylabel="training loss",
        title=title,
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)  # within, it hides where the loss rises
    return figure
