"""Stops a run before a loss, gradient, weight or learning rate that is not finite reaches what is kept."""

import math
from collections import deque
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.divergence.finite import GradientCheck, KeptNumbers, bad_rate
from callbacks.divergence.interval import interval_for, longest_interval
from callbacks.divergence.kept_state import KeptBuffers, KeptState
from callbacks.divergence.replay import Step, find_module
from core.epochs import is_epoch_over
from core.errors import InputError, RunFailed
from core.files.atomic_files import replacing
from core.kept_arguments import KeepsArguments
from core.nested_tensors import plain_copy
from core.processes.peers import gathered
from core.protocols.general import CarriesState, ScalesLosses
from core.run_layout import CHECKPOINTS

LOSS, GRADIENT, WEIGHT = 0, 1, 2  # what can be bad, by place in a flag


class Diverged(RunFailed):
    """A loss, gradient, weight or learning rate is not finite."""

    ends_all = True


class NaNGuard(KeepsArguments, Callback):
    """Checks loss and gradients of every step, and what is saved, on all devices together, for any optimizers.

    With an interval of 1 it checks before an optimizer updates weights, under manual optimization too. With a longer
    interval it only notes the first bad step in a flag on the device, reads the flag once in so many steps, and then
    restores the weights of the last check. The bad batch and a checkpoint from before it are saved in the run's folder
    (after a longer interval its weights can be used, but the run cannot continue from it), and the step is replayed to
    name the first module whose output is not finite.

    Weights, averages and optimizer states are checked before every save, since an optimizer can spoil them where loss
    and gradients are finite.

    Args:
        enabled: Whether to check at all.
        every_n_steps: Steps between checks; 1 on a CPU and 16 on a GPU (where a check waits for the device), or fewer
            there where batches are large, if not given.
    """

    def __init__(self, enabled: bool = True, every_n_steps: int | None = None) -> None:
        if every_n_steps is not None and every_n_steps < 1:
            raise InputError(f"--nan_guard.every_n_steps {every_n_steps}: at least 1 is needed")
        self.enabled = enabled
        self.every_n_steps = every_n_steps
        self._first_bad: _FirstBadOnHost | _FirstBadOnDevice | None = None
        self._stopping = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Sets up the flag, and keeps the state to restore."""
        self._stopping = False  # an earlier fit may have ended so
        if not self.enabled:
            return
        device = pl_module.device
        self._interval = self.every_n_steps or longest_interval(device)
        at_once = device.type == "cpu" and self._interval == 1
        self._first_bad = _FirstBadOnHost() if at_once else _FirstBadOnDevice(device)
        self._steps: deque[Step] = deque()  # since the last check
        self._is_first_of_epoch = True
        self._batches = 0
        precision = trainer.precision_plugin
        self._losses_are_scaled = isinstance(precision, ScalesLosses) and precision.scaler is not None
        self._carries_state = isinstance(pl_module, CarriesState)  # once: it takes longer than all else of a step here
        self._gradients = GradientCheck(device)
        self._numbers = KeptNumbers(trainer, pl_module)
        self._buffers = KeptBuffers(pl_module)
        self._buffers.keep()
        self._kept = None if self._interval == 1 else KeptState(trainer, pl_module)
        if self._kept is not None:
            self._kept.keep()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Notes that batches may have another size from now on."""
        self._is_first_of_epoch = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Keeps the batch, and the buffers as they are before the forward pass can spoil them."""
        if not self.enabled:
            return
        if self._is_first_of_epoch:
            self._is_first_of_epoch = False
            if self.every_n_steps is None:
                self._interval = interval_for(batch, pl_module.device, trainer.world_size)
            # with an interval of 1 an optimizer step is checked with all batches that it is made of
            self._steps = deque(maxlen=trainer.accumulate_grad_batches if self._interval == 1 else self._interval)
        self._batches += 1
        carried = pl_module.carried if self._carries_state else None
        step = trainer.optimizer_steps
        self._steps.append(Step(batch, batch_idx, trainer.current_epoch, self._batches, step, carried))
        if self._interval == 1 and self._first_bad.is_clear():
            self._buffers.keep()

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Notes a loss that is not finite."""
        if self.enabled:
            self._first_bad.note(LOSS, loss if loss.ndim == 0 else loss.sum(), self._batches)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Notes gradients that are not finite, and with an interval of 1 ends the run before weights are updated.

        Raises:
            Diverged: The learning rate is not finite, or with an interval of 1 loss or gradients are not.
        """
        if not self.enabled:
            return
        if (rate := bad_rate((optimizer,))) is not None:
            raise Diverged(f"diverged: the learning rate of step {trainer.optimizer_steps} is {rate}{_last(trainer)}")
        # those of this optimizer: another's may hold what its own zero_grad will drop
        found = [parameter.grad for group in optimizer.param_groups for parameter in group["params"]]
        gradients = [gradient for gradient in found if gradient is not None]
        # under float16 the loss scaler expects such gradients, and skips their step itself
        if gradients and not self._losses_are_scaled:
            self._first_bad.note(GRADIENT, self._gradients(gradients), self._batches)
        if self._interval == 1:
            self._check(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Reads the flag once in so many steps, and at an epoch's end before anything is measured or saved."""
        if not self.enabled:
            return
        if self._interval == 1:
            if not pl_module.automatic_optimization:  # no optimizer step need have followed the loss
                self._check(trainer, pl_module)
            return
        if is_epoch_over(trainer) or (batch_idx + 1) % self._interval == 0:
            self._first_bad.note(WEIGHT, self._numbers.norm(), self._batches)
            self._check(trainer, pl_module)
            self._kept.keep()
            self._buffers.keep()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Checks before anything is saved: no checkpoint ever holds the result of a bad step."""
        if self.enabled and self._first_bad is not None and not self._stopping:
            self._first_bad.note(WEIGHT, self._numbers.norm(), self._batches)
            self._check(trainer, pl_module)

    def _check(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size == 1 and self._first_bad.is_clear():
            return
        *of_step, weight_batch = self._first_bad.batches()
        if weight_batch >= 0 and max(of_step) < 0 and self._numbers.first_bad() is None:  # a norm that overflows
            self._first_bad.clear()
            weight_batch = -1
        # together: a rank that raised alone would leave the others waiting
        if trainer.strategy.reduce_boolean_decision(max(*of_step, weight_batch) >= 0, all=False):
            self._stop(trainer, pl_module, *of_step)

    def _stop(self, trainer: Trainer, pl_module: LightningModule, loss_batch: int, gradient_batch: int) -> None:
        self._stopping = True
        number = min((batch for batch in (loss_batch, gradient_batch) if batch >= 0), default=self._batches)
        step = next((step for step in self._steps if step.number == number), self._steps[-1])
        is_of_step = max(loss_batch, gradient_batch) >= 0
        if is_of_step:  # whose forward pass can have spoilt buffers
            self._buffers.restore()
        bad_weight = self._numbers.first_bad()
        if bad_weight is not None and (self._interval == 1 or not is_of_step):
            names = " and ".join(type(optimizer).__name__ for optimizer in trainer.optimizers)
            finding = f"{bad_weight} is not finite after step {step.step}: {names} made it so of finite gradients"
        else:
            self._restore()
            culprit = find_module(trainer, pl_module, step)
            quantity = "loss" if loss_batch == number else "gradient"
            finding = f"the {quantity} of step {step.step} is not finite; first such output in forward order: {culprit}"
        self._restore()
        worst = None
        if trainer.world_size > 1:
            worst, finding = _of_the_worst_rank(finding, loss_batch == number, trainer.world_size)
        raise Diverged(f"diverged: {finding}{self._save(trainer, step, worst)}")

    def _restore(self) -> None:
        if self._kept is not None:
            self._kept.restore()
        self._buffers.restore()

    def _save(self, trainer: Trainer, step: Step, worst: int | None) -> str:
        """Saves batch and weights, if those are good, and returns in words where they are.

        Each of several processes saves its own batch; that of `worst`, in which the finding is, is named.
        """
        good = trainer.strategy.reduce_boolean_decision(self._numbers.first_bad() is None, all=True)
        folder = trainer.run_folder
        if folder is None:
            return ""
        kept = _last(trainer)
        if good:
            checkpoint = folder.path / CHECKPOINTS / "before_divergence.ckpt"
            trainer.save_checkpoint(checkpoint)
            kept = f", the last good weights are in checkpoints/{checkpoint.name}"
        own, named = ("", "") if worst is None else (f"_rank{trainer.global_rank}", f"_rank{worst}")
        with replacing(folder.path / f"diverged_batch{own}.pt") as temporary:
            torch.save(plain_copy(step.batch), temporary)
        return f"; the batch is in diverged_batch{named}.pt{kept}"


def _last(trainer: Trainer) -> str:
    """Returns in words where the weights of the latest checkpoint are, which were good."""
    has_saved = trainer.checkpoint_callback.has_saved(trainer)
    return ", the last good weights are in checkpoints/last.ckpt" if has_saved else ", before its first checkpoint"


class _FirstBadOnHost:
    """Number of the first batch whose loss, whose gradient, and after which a weight was not finite; -1 for none."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._batches = [-1, -1, -1]

    def note(self, which: int, value: Tensor, batch: int) -> None:
        # reading a tensor on the CPU costs nothing
        if self._batches[which] < 0 and not math.isfinite(value.item()):
            self._batches[which] = batch

    def is_clear(self) -> bool:
        return max(self._batches) < 0

    def batches(self) -> list[int]:
        return self._batches


class _FirstBadOnDevice:
    """The same without waiting for the device, until `batches` is called."""

    def __init__(self, device: torch.device) -> None:
        self._batches = torch.full((3,), -1, device=device)

    def clear(self) -> None:
        self._batches.fill_(-1)

    def note(self, which: int, value: Tensor, batch: int) -> None:
        bad = ~torch.isfinite(value.detach()) & (self._batches[which] < 0)
        self._batches[which] = torch.where(bad, batch, self._batches[which])

    def is_clear(self) -> bool:
        return max(self.batches()) < 0

    def batches(self) -> list[int]:
        return self._batches.tolist()


def _of_the_worst_rank(finding: str, loss_is_bad: bool, world_size: int) -> tuple[int, str]:
    """Returns the first process whose own loss is bad and its finding; gradients carry it to all others."""
    findings = gathered((loss_is_bad, finding), world_size)
    rank = next((rank for rank, (bad, _) in enumerate(findings) if bad), 0)
    return rank, f"on rank {rank}, {findings[rank][1]}"
