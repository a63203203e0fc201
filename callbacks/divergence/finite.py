"""Whether what a run keeps is finite: weights, moving averages of them, buffers, and the states of optimizers."""

import math
from collections.abc import Iterable, Iterator

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from callbacks.divergence.kept_state import averages_of
from core.nested_tensors import is_finite, tensors_of


class KeptNumbers:
    """The numbers of a run that its checkpoints keep.

    Args:
        trainer: The trainer, whose optimizers and averages exist.
        pl_module: The model. Buffers that are not finite now, such as a mask of minus infinity, may stay so.
    """

    def __init__(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._trainer = trainer
        self._pl_module = pl_module
        self._masks = {name for name, buffer in pl_module.named_buffers() if not is_finite(buffer)}

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for kind, model in (("", self._pl_module), *(("average of ", one) for one in averages_of(self._trainer))):
            yield from ((f"{kind}{name}", value) for name, value in model.named_parameters())
            buffers = ((name, value) for name, value in model.named_buffers() if not self._is_mask(name))
            yield from ((f"{kind}{name}", value) for name, value in buffers)
        names = {id(parameter): name for name, parameter in self._pl_module.named_parameters()}
        for optimizer in self._trainer.optimizers:
            for parameter, state in optimizer.state.items():
                for value in tensors_of(state):
                    yield f"{type(optimizer).__name__}'s state of {names.get(id(parameter), 'a weight')}", value

    def _is_mask(self, name: str) -> bool:
        return name in self._masks or name.removeprefix("module.") in self._masks  # an average is a module of its own

    @torch.no_grad()
    def norm(self) -> Tensor:
        """Returns a number that is finite if all are, without waiting for the device; a rare overflow apart."""
        values = [value.detach() for _, value in self._named() if value.numel() and value.is_floating_point()]
        if not values:
            return torch.zeros(())
        by_device: dict[torch.device, list[Tensor]] = {}  # optimizers count their steps on the CPU
        for value in values:
            by_device.setdefault(value.device, []).append(value)
        sums = [torch.stack([norm.float() for norm in torch._foreach_norm(same)]).sum() for same in by_device.values()]
        return sum((other.to(sums[0].device, non_blocking=True) for other in sums[1:]), sums[0])

    @torch.no_grad()
    def first_bad(self) -> str | None:
        """Returns the name of the first that is not finite, or None; waits for the device."""
        if math.isfinite(self.norm()):
            return None
        return next((name for name, value in self._named() if not is_finite(value)), None)


class GradientCheck:
    """Whether gradients are finite.

    On a CPU the kernel that looks for infinities before the step of a loss scaler takes less than half the time of
    norms. It also divides by the scale, which is 1 here.

    Args:
        device: Where the gradients are.
    """

    def __init__(self, device: torch.device) -> None:
        self._reads_flag = device.type == "cpu"
        self._flag, self._scale = torch.zeros(()), torch.ones(())

    def __call__(self, gradients: list[Tensor]) -> Tensor:
        """Returns a number that is finite if all gradients are, without waiting for the device.

        Norms, which are taken on other devices and where the kernel does not do, overflow if gradients are above the
        root of the largest number.
        """
        if self._reads_flag and not any(one.requires_grad for one in gradients):  # of which a graph may be made
            try:
                torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._flag, self._scale)
            except RuntimeError:  # sparse or complex numbers, or an expanded tensor, as others of this model may be
                self._reads_flag = False
            else:
                return torch.tensor(math.nan) if self._flag else self._flag
        with torch.no_grad():
            dense = [one._values() if one.is_sparse else one for one in gradients]
            return torch.stack(torch._foreach_norm(dense)).sum()  # get_total_norm calls it too, after other checks


def bad_rate(optimizers: Iterable[Optimizer]) -> float | None:
    """Returns a learning rate that is not finite, if there is one; of rates that are tensors nothing is known."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            rate = group.get("lr", 0.0)
            if isinstance(rate, float) and not math.isfinite(rate):
                return rate
    return None
