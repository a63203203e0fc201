"""Whether a file computes what the network does."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.protocols.export_forms import ExportForm
from core.randomness import generator
from core.terminal.printable import counted
from engine.export.formats import Run

BATCHES = (1, 3, 8)  # numbers of samples at which the two are compared
ALLOWED = 1e-4  # largest difference, as a share of the largest number of an output, or of 1


@dataclass(frozen=True)
class Difference:
    """How far an output of a file is from the network's.

    Attributes:
        output: Name of the output.
        batch: Number of samples.
        size: Largest difference, as a share of the largest number of the output, or of 1.
        reason: What is wrong; empty if nothing is.
    """

    output: str
    batch: int
    size: float
    reason: str = ""


@torch.no_grad()
def differences(form: ExportForm, run: Run) -> Iterator[Difference]:
    """Yields how far each output is from the network's, for some samples at random and each number of them.

    Args:
        form: The network.
        run: What is computed by the file.
    """
    for batch in BATCHES:
        inputs = form.examples(batch, generator(0, "parity", batch))
        expected = form.network(*inputs)
        try:
            found = run(inputs)
        except Exception as error:  # of whatever reads the file
            reason = f"fails on a batch of {batch}: {' '.join(str(error).split())}"
            yield Difference(form.outputs[0].name, batch, float("inf"), reason)
            return
        if len(found) != len(expected):
            reason = f"gives {counted(len(found), 'output')}, where the network gives {len(expected)}"
            yield Difference(form.outputs[0].name, batch, float("inf"), reason)
            return
        for slot, ours, theirs in zip(form.outputs, expected, found, strict=True):
            yield _compare(slot.name, batch, ours, theirs)


def _compare(name: str, batch: int, ours: Tensor, theirs: Tensor) -> Difference:
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        kinds = [f"{str(one.dtype).removeprefix('torch.')} {list(one.shape)}" for one in (theirs, ours)]
        reason = f"gives {name} as {kinds[0]}, where the network gives {kinds[1]}"
        return Difference(name, batch, float("inf"), reason)
    if not ours.numel():
        return Difference(name, batch, 0.0)
    if not ours.dtype.is_floating_point:
        furthest = int((ours.long() - theirs.long()).abs().max())
        allowed = 1 if ours.dtype == torch.uint8 else 0  # a pixel may be rounded to the next value
        reason = f"gives other {name}, by up to {furthest}" if furthest > allowed else ""
        return Difference(name, batch, 0.0, reason)
    largest = max(1.0, float(ours.abs().max()))
    size = float((ours - theirs).abs().max()) / largest
    if size <= ALLOWED:
        return Difference(name, batch, size)
    return Difference(name, batch, size, f"gives other {name} on a batch of {batch}, by {size:.2g} of the largest")
