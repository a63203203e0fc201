"""How far back a language model reads: what earlier symbols are worth to its prediction."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.gradient_flow import measure_gradient_flow, relative_norms
from core.media import Figure
from core.protocols.passages import Passages
from core.terminal.printable import counted
from inspection.passages import passages_of
from inspection.subject import Subject
from inspection.views import Shown, View

PASSAGES, LENGTH = 400, 301  # the last symbol is predicted
AT_ONCE = 100  # passages of a batch
BIT = math.log(2)  # nats
SURE = 2  # standard errors, beyond which a difference is none of chance


def make(subject: Subject) -> Iterator[Shown]:
    """Draws the loss by the number of symbols that are known, and the gradient by the distance.

    Raises:
        NotShown: The network reads no text symbol by symbol.
    """
    passages = passages_of(subject, PASSAGES, LENGTH)
    known, losses = losses_by_context(subject, passages)
    more = losses - losses[:, -1:]  # than with all symbols: what a passage has in common with itself cancels
    means, errors = losses.mean(0), more.std(0) / len(losses) ** 0.5
    norms = None if subject.names else measure_gradient_flow(subject.trainer, subject.model, subject.data)
    worse = (more.mean(0) > SURE * errors).nonzero()[:, 0]
    reach = known[int(worse[-1]) + 1] if len(worse) else known[0]
    figure = draw_reach(known, means, errors, norms)
    yield Shown(
        Figure(name="reach", step=subject.step, figure=figure),
        f"{len(passages.symbols)} predictions of {subject.where}, each of the symbol behind the last so many. From "
        f"{counted(reach, 'symbol')} on the loss is not surely above that with all {known[-1]}; bars are standard "
        "errors of the difference to that.",
    )


def losses_by_context(subject: Subject, passages: Passages) -> tuple[list[int], Tensor]:
    """Returns K numbers of known symbols, and the loss of each passage in bits with each, float32 [N, K].

    Args:
        subject: Has the network.
        passages: The last symbol of each is predicted.
    """
    longest = passages.symbols.shape[1] - 1
    known = sorted({min(longest, round(2 ** (power / 2))) for power in range(64)})
    found = []
    with subject.explaining(), torch.no_grad():
        for count in known:
            rows = range(0, len(passages.symbols), AT_ONCE)
            found.append(torch.cat([_losses(subject, passages, slice(row, row + AT_ONCE), count) for row in rows]))
    return known, torch.stack(found, 1)


def _losses(subject: Subject, passages: Passages, rows: slice, count: int) -> Tensor:
    """Returns the loss of the last symbol of some passages in bits, of which so many symbols before it are known."""
    known, marks = passages.read(rows, slice(-count - 1, -1), subject.model.device)
    logits, _ = subject.model(known, None, marks)
    last = passages.symbols[rows, -1].to(subject.model.device)
    return F.cross_entropy(logits[:, -1].float(), last, reduction="none").cpu() / BIT


def draw_reach(known: list[int], means: Tensor, errors: Tensor, norms: Tensor | None) -> MatplotlibFigure:
    """Draws the loss by the number of known symbols, and beside it the gradient by the distance, if it is known."""
    figure = MatplotlibFigure(figsize=(6 if norms is None else 11, 3.6), dpi=120, layout="constrained")
    axes, *others = figure.subplots(1, 1 if norms is None else 2, squeeze=False)[0]
    axes.errorbar(known, means.numpy(), errors.numpy(), color="tab:blue", marker="o", markersize=4, capsize=2)
    axes.set(xscale="log", xlabel="symbols that are known", ylabel="loss (bits a symbol)")
    axes.set_title("what earlier symbols are worth", fontsize=10)
    axes.grid(alpha=0.3)
    for one in others:
        one.plot(relative_norms(norms).numpy(), color="tab:blue")
        one.set(yscale="log", xlabel="steps back in time", ylabel="gradient norm, relative to the last step")
        one.set_title("what the loss of the last prediction depends on", fontsize=10)
        one.grid(alpha=0.3)
    return figure


VIEW = View(
    "reach",
    "How far back it reads",
    "The network predicts a symbol from its empty state and the last 1, 2, 3, ... symbols alone. Where the curve is "
    "flat, what is further back is worth nothing to it: because the text does not need it, or because it has not "
    "learned to keep it. The gradient says the same of training: where it vanishes, nothing can be learned.",
    make,
)
