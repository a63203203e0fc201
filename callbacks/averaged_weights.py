"""Averages of weights lie on the device that trains, are updated together, and hold what is not averaged as it is."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from callbacks.divergence.kept_state import averaging_callbacks
from callbacks.features import Features
from callbacks.freeze import Freeze
from core.protocols.constants import HasConstants

Slot = tuple[dict[str, Tensor | None], str]  # where a module holds a tensor, and its name there


class AveragedWeights(Callback):
    """Moves averages to the device of the model, unless their callback was given another, and updates them.

    Lightning copies the model before it moves it to a GPU: every update of averages left behind would copy all weights
    to the CPU, and wait for each.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Moves them; a checkpoint's are restored by now."""
        for callback in averaging_callbacks(trainer):
            average = callback._average_model
            if not isinstance(average, AveragedModel):  # a user's own, which may hold anything
                continue
            if callback._device is None:
                average.to(pl_module.device)
            # what another class averages by is not known; without buffers, they are copied
            is_plain = type(callback) is EMAWeightAveraging and type(average) is AveragedModel
            average.update_parameters = Update(average, is_plain and average.use_buffers, Fixed(trainer.callbacks))


@contextlib.contextmanager
def averaged(trainer: Trainer, pl_module: LightningModule) -> Iterator[None]:
    """Gives a model its averages, as in validation, and its own weights back at the end."""
    with contextlib.ExitStack() as stack:
        for callback in averaging_callbacks(trainer):
            callback._swap_models(pl_module)
            stack.callback(callback._swap_models, pl_module)
        yield


class Fixed:
    """What of a model no step changes.

    Args:
        callbacks: The trainer's.
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self._callbacks = [callback for callback in callbacks if isinstance(callback, Features | Freeze)]

    def __call__(self, average: nn.Module, model: nn.Module) -> set[int]:
        """Returns the ids of such tensors of a model.

        Args:
            average: Averages of the model, of which what another part of it averages, without gradients, has others.
            model: The model.
        """
        fixed = {id(tensor) for callback in self._callbacks for tensor in callback.never_trained()}
        freezes = [callback for callback in self._callbacks if isinstance(callback, Freeze)]
        later = {id(tensor) for callback in freezes for tensor in callback.trained_at_times()}
        for one, tensor in zip(average.parameters(), model.parameters(), strict=False):
            if not tensor.requires_grad and id(tensor) not in later and torch.equal(one, tensor.to(one)):
                fixed.add(id(tensor))
        for module in model.modules():
            # what no checkpoint keeps is a constant
            fixed |= {id(module._buffers[name]) for name in module._non_persistent_buffers_set}
            if isinstance(module, HasConstants):
                fixed |= {id(module.get_buffer(name)) for name in module.constant_buffers}
        return fixed


class Update:
    """Updates averages of weights and buffers, and copies what is not to be averaged.

    That is what is no fraction, such as an index, which `AveragedModel.update_parameters` would cut off, and what no
    step changes, whose average would be rounded: the features of a fixed network are kept by its bits.

    That method also goes through the modules of both models four times in each update, and makes several calls for
    each tensor. For exponential averages, what is averaged is found once here, and a few calls are made for all
    tensors in full precision, with the same bits.

    Args:
        average: The averages.
        is_short: Whether its `avg_fn` is that of `EMAWeightAveraging`, and it averages buffers.
        fixed: Returns the ids of what no step changes, of the averages and the model.
    """

    def __init__(
        self,
        average: AveragedModel,
        is_short: bool,
        fixed: Callable[[nn.Module, nn.Module], set[int]] = Fixed(),  # noqa: B008 (never changed)
    ) -> None:
        self._average = average
        self._fixed = fixed
        self.is_short = is_short
        if is_short:
            one = torch.ones((), dtype=torch.float64)
            self._decay = float(average.avg_fn(one, one - one, 0))
        self._copied: list[tuple[Slot, Slot]] | None = None  # of the averages and of the model; None until found
        self._full: list[tuple[Slot, Slot]] = []  # in full precision
        self._half: list[tuple[Slot, Slot]] = []

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> None:
        """Updates the averages by a model."""
        is_first = self._copied is None
        if is_first:
            self._find(model)
        if is_first or not self.is_short:
            # that of its class, which copies the first weights of all
            type(self._average).update_parameters(self._average, model)
        else:
            self._update_shortly()
        for (held, name), (held_there, name_there) in self._copied:
            held[name].copy_(held_there[name_there])

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy of the averages needs, which finds its tensors itself; nothing of the run."""
        return vars(self) | {"_fixed": Fixed(), "_copied": None, "_full": [], "_half": []}

    def _update_shortly(self) -> None:
        average = self._average
        ours, theirs = ([held[name] for held, name in side] for side in zip(*self._full, strict=True))
        # both products before the sum, as `avg_fn` rounds
        torch._foreach_mul_(ours, self._decay)
        torch._foreach_add_(ours, torch._foreach_mul(theirs, 1 - self._decay))
        for (held, name), (held_there, name_there) in self._half:
            held[name].copy_(average.avg_fn(held[name], held_there[name_there], average.n_averaged))
        average.n_averaged += 1

    def _find(self, model: nn.Module) -> None:
        """Finds what is copied and what is averaged; where an average lies elsewhere, torch updates."""
        ours, theirs = _slots(self._average.module), _slots(model)
        devices = [[held[name].device for held, name in slots] for slots in (ours, theirs)]
        fixed = self._fixed(self._average.module, model)
        self._copied = []
        for pair in zip(ours, theirs, strict=False):  # a buffer that came later has no average
            average, tensor = (held[name] for held, name in pair)
            if id(tensor) in fixed or not (average.is_floating_point() or average.is_complex()):
                self._copied.append(pair)
            # in half precision, `_foreach_mul_` rounds its factor, too
            elif average.dtype in (torch.float32, torch.float64):
                self._full.append(pair)
            else:
                self._half.append(pair)
        self.is_short = self.is_short and bool(self._full) and devices[0] == devices[1]


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
