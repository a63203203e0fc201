"""Averages of weights lie on the device that trains, and are updated together."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from callbacks.divergence.kept_state import averaging_callbacks

Slot = tuple[dict[str, Tensor | None], str]  # where a module holds a tensor, and its name there


class AveragedWeights(Callback):
    """Moves averages to the device of the model, unless their callback was given another.

    Lightning copies the model before it moves it to a GPU: every update of averages left behind would copy all weights
    to the CPU, and wait for each. Exponential averages are updated by `ShortUpdate`.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Moves them; a checkpoint's are restored by now."""
        for callback in averaging_callbacks(trainer):
            average = callback._average_model
            if callback._device is None:
                average.to(pl_module.device)
            # what another class averages by is not known; without buffers, they are copied
            if type(callback) is EMAWeightAveraging and average.use_buffers:
                average.update_parameters = ShortUpdate(average)


class ShortUpdate:
    """Updates exponential averages of weights and buffers as `AveragedModel.update_parameters` does, to the bit.

    That goes through the modules of both models four times in each update, and makes several calls for each tensor.
    Here what is averaged is found once, and a few calls are made for all tensors in full precision.

    Args:
        average: The averages, with the `avg_fn` of `EMAWeightAveraging`.
    """

    def __init__(self, average: AveragedModel) -> None:
        self._average = average
        one = torch.ones((), dtype=torch.float64)
        self._decay = float(average.avg_fn(one, one - one, 0))
        self._pairs: list[tuple[Slot, Slot]] | None = None  # of the averages and of the model; None until found
        self._others: list[tuple[Slot, Slot]] = []  # whole numbers, and half precision

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> None:
        """Updates the averages by a model."""
        average = self._average
        if self._pairs is None:
            AveragedModel.update_parameters(average, model)  # which copies the first weights of all
            if not self._find(model):
                del average.update_parameters  # torch's own goes on
            return
        ours, theirs = ([held[name] for held, name in side] for side in zip(*self._pairs, strict=True))
        # both products before the sum, as `avg_fn` rounds
        torch._foreach_mul_(ours, self._decay)
        torch._foreach_add_(ours, torch._foreach_mul(theirs, 1 - self._decay))
        for (held, name), (held_there, name_there) in self._others:
            held[name].copy_(average.avg_fn(held[name], held_there[name_there], average.n_averaged))
        average.n_averaged += 1

    def _find(self, model: nn.Module) -> bool:
        """Finds what is averaged, and returns whether all of it lies where its average does."""
        ours, theirs = _slots(self._average.module), _slots(model)
        devices = [[held[name].device for held, name in slots] for slots in (ours, theirs)]
        if devices[0] != devices[1]:
            return False
        pairs = list(zip(ours, theirs, strict=True))
        # in half precision, `_foreach_mul_` rounds its factor, too
        is_full = [held[name].dtype in (torch.float32, torch.float64) for held, name in ours]
        self._pairs = [pair for pair, full in zip(pairs, is_full, strict=True) if full]
        self._others = [pair for pair, full in zip(pairs, is_full, strict=True) if not full]
        return bool(self._pairs)


def _slots(model: nn.Module) -> list[Slot]:
    """Returns where a model holds its parameters and then its buffers, in the order of `parameters` and `buffers`.

    Places and not tensors: a module may replace a buffer, or a weight.
    """
    slots: list[Slot] = []
    known: set[Tensor] = set()
    for kind in ("_parameters", "_buffers"):
        for module in model.modules():
            held = getattr(module, kind)
            for name, tensor in held.items():
                if tensor is not None and tensor not in known:
                    known.add(tensor)
                    slots.append((held, name))
    return slots
