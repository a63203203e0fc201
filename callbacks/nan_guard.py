"""Stops a run before a loss or gradient that is not finite reaches the weights that are kept."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.utilities import move_data_to_device
from torch import Tensor, nn
from torchmetrics import Metric

from core.atomic_files import replacing
from core.errors import RunFailed
from core.randomness import seed_step

GPU_INTERVAL = 16
LOSS, GRADIENT = 0, 1


class Diverged(RunFailed):
    """A loss or gradient is not finite."""


@dataclass
class Step:
    """What it takes to repeat a training step."""

    batch: Any
    batch_idx: int
    epoch: int
    number: int  # of the batch, counted from the start of this process; several make a step under accumulation
    step: int  # of the optimizer
    carried: Any  # what the model brings from the batch before, if it does


class NaNGuard(Callback):
    """Watches loss and gradients of every step, on all devices together.

    With an interval of 1 it looks before the optimizer acts. With a longer one it only notes the first bad step in a
    flag on the device, looks at the flag once in so many steps, and then takes the weights back to the last look. The
    bad batch and a checkpoint from before it are saved in the run's folder (after a longer interval it is good for its
    weights, not for going on), and the step is replayed to name the first module whose output is not finite.

    Args:
        enabled: Whether to watch at all.
        every_n_steps: Steps between looks; 1 on a CPU and 16 on a GPU (a look stalls its queue) if not given.
    """

    def __init__(self, enabled: bool = True, every_n_steps: int | None = None) -> None:
        self.enabled = enabled
        self.every_n_steps = every_n_steps
        self._first_bad: _FirstBadOnHost | _FirstBadOnDevice | None = None
        self._stopping = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Sets up the flag, and keeps the state to go back to."""
        if not self.enabled:
            return
        device = pl_module.device
        self._interval = self.every_n_steps or (1 if device.type == "cpu" else GPU_INTERVAL)
        at_once = device.type == "cpu" and self._interval == 1
        self._first_bad = _FirstBadOnHost() if at_once else _FirstBadOnDevice(device)
        self._parameters = list(pl_module.parameters())
        self._steps: deque[Step] = deque(maxlen=max(self._interval, trainer.accumulate_grad_batches))
        self._batches = 0
        self._buffers = _Buffers(pl_module)
        self._buffers.keep()
        self._kept = None if self._interval == 1 else _full_state(trainer, pl_module)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Keeps the batch, and the buffers as they are before the forward pass can spoil them."""
        if not self.enabled:
            return
        self._batches += 1
        carried = getattr(pl_module, "carried", None)  # replaced by every step, never changed in place
        step = trainer.optimizer_steps
        self._steps.append(Step(batch, batch_idx, trainer.current_epoch, self._batches, step, carried))
        if self._interval == 1 and self._first_bad.is_clear():
            self._buffers.keep()

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Notes a loss that is not finite."""
        if self.enabled:
            self._first_bad.note(LOSS, loss, self._batches)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Notes gradients that are not finite, and decides where that is still in time for the weights."""
        if not self.enabled:
            return
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        # under float16 the loss scaler expects such gradients, and skips their step itself
        if gradients and getattr(trainer.precision_plugin, "scaler", None) is None:
            norms = torch._foreach_norm(gradients)  # what get_total_norm takes too, after a long look at devices
            self._first_bad.note(GRADIENT, torch.stack(norms).sum(), self._batches)
        if self._interval == 1:
            self._look(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Looks at the flag once in so many steps, and at an epoch's end before anything is measured or saved."""
        if not self.enabled or self._interval == 1:
            return
        last = trainer.fit_loop.epoch_loop._num_ready_batches_reached()
        if last or (batch_idx + 1) % self._interval == 0:
            self._look(trainer, pl_module)
            self._kept = _full_state(trainer, pl_module)
            self._buffers.keep()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Looks before anything is saved: no checkpoint ever holds what a bad step left."""
        if self.enabled and self._first_bad is not None and not self._stopping and self._interval > 1:
            self._look(trainer, pl_module)

    def _look(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loss_batch, gradient_batch = self._first_bad.batches()
        # together: a rank that raised alone would leave the others waiting
        if trainer.strategy.reduce_boolean_decision(max(loss_batch, gradient_batch) >= 0, all=False):
            self._stop(trainer, pl_module, loss_batch, gradient_batch)

    def _stop(self, trainer: Trainer, pl_module: LightningModule, loss_batch: int, gradient_batch: int) -> None:
        self._stopping = True
        number = min((batch for batch in (loss_batch, gradient_batch) if batch >= 0), default=self._batches)
        quantity = "loss" if loss_batch == number else "gradient"
        step = next((step for step in self._steps if step.number == number), self._steps[-1])

        if self._kept is not None:
            _restore_full_state(trainer, pl_module, self._kept)
        self._buffers.restore()
        culprit = _replay(trainer, pl_module, step)
        self._buffers.restore()
        finding = f"the {quantity} of step {step.step} is not finite; first such output in forward order: {culprit}"
        if trainer.world_size > 1:
            finding = _of_the_worst_rank(finding, loss_batch == number, trainer.world_size)

        saved = ""
        folder = trainer.run_folder
        if folder is not None:
            checkpoint = folder.path / "checkpoints" / "before_divergence.ckpt"
            trainer.save_checkpoint(checkpoint)
            rank = f"_rank{trainer.global_rank}" if trainer.world_size > 1 else ""
            batch = folder.path / f"diverged_batch{rank}.pt"
            with replacing(batch) as temporary:
                torch.save(_plain(step.batch), temporary)
            saved = f"; the batch is in {batch.name}, the last good weights are in checkpoints/{checkpoint.name}"
        raise Diverged(f"diverged: {finding}{saved}")


class _FirstBadOnHost:
    """Number of the first batch whose loss, and the first whose gradient, was not finite; -1 for none."""

    def __init__(self) -> None:
        self._batches = [-1, -1]

    def note(self, which: int, value: Tensor, batch: int) -> None:
        # a look at a tensor on the CPU costs nothing
        if self._batches[which] < 0 and not math.isfinite(value.detach()):
            self._batches[which] = batch

    def is_clear(self) -> bool:
        return max(self._batches) < 0

    def batches(self) -> list[int]:
        return self._batches


class _FirstBadOnDevice:
    """The same without waiting for the device: its queue of work goes on until somebody asks."""

    def __init__(self, device: torch.device) -> None:
        self._batches = torch.full((2,), -1, device=device)

    def note(self, which: int, value: Tensor, batch: int) -> None:
        bad = ~torch.isfinite(value.detach()) & (self._batches[which] < 0)
        self._batches[which] = torch.where(bad, batch, self._batches[which])

    def is_clear(self) -> bool:
        return max(self.batches()) < 0

    def batches(self) -> list[int]:
        return self._batches.tolist()


class _Buffers:
    """Copies of a model's buffers and running metrics, which a forward pass changes before its loss is known."""

    def __init__(self, pl_module: LightningModule) -> None:
        # places, not tensors: a metric's are replaced when it is reset
        self._buffers = [(module._buffers, name) for module in pl_module.modules() for name in module._buffers]
        metrics = [module for module in pl_module.modules() if isinstance(module, Metric)]
        self._states = [(metric, name) for metric in metrics for name in metric._defaults]
        self._copies: list[Tensor] = []

    def _tensors(self) -> list[Tensor]:
        values = [buffers[name] for buffers, name in self._buffers]
        values += [getattr(metric, name) for metric, name in self._states]
        return [value for value in values if isinstance(value, Tensor)]

    @torch.no_grad()
    def keep(self) -> None:
        tensors = self._tensors()
        if [copy.shape for copy in self._copies] == [tensor.shape for tensor in tensors]:
            torch._foreach_copy_(self._copies, tensors)
        else:
            self._copies = [tensor.clone() for tensor in tensors]

    def restore(self) -> None:
        for tensor, copy in zip(self._tensors(), self._copies, strict=True):
            tensor.data.copy_(copy)


def _full_state(trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
    """Copies weights, moving averages of them, and optimizer states on their device."""
    averages = [callback._average_model for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]
    return {
        "weights": [[tensor.detach().clone() for tensor in model.parameters()] for model in (pl_module, *averages)],
        "buffers": [[tensor.clone() for tensor in model.buffers()] for model in averages],
        "optimizers": [_copy(optimizer.state_dict()) for optimizer in trainer.optimizers],
    }


def _restore_full_state(trainer: Trainer, pl_module: LightningModule, state: dict[str, Any]) -> None:
    averages = [callback._average_model for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]
    tensors = [list(model.parameters()) for model in (pl_module, *averages)] + [list(m.buffers()) for m in averages]
    with torch.no_grad():
        for now, kept in zip(tensors, state["weights"] + state["buffers"], strict=True):
            for tensor, copy in zip(now, kept, strict=True):
                tensor.copy_(copy)
    for optimizer, kept in zip(trainer.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)


def _copy(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.clone()
    if isinstance(tree, dict):
        return {key: _copy(value) for key, value in tree.items()}
    return [_copy(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _plain(batch: Any) -> Any:
    """Turns a batch into dicts and lists of tensors on the CPU, which load without running code."""
    batch = move_data_to_device(batch, torch.device("cpu"))
    return batch._asdict() if hasattr(batch, "_asdict") else batch


def _replay(trainer: Trainer, pl_module: LightningModule, step: Step) -> str:
    """Repeats a step's forward pass and names the first module whose output is not finite."""
    found: list[str] = []
    handles = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not found and isinstance(output, Tensor) and not torch.isfinite(output).all():
                found.append(f"{name} ({type(module).__name__})")

        return hook

    for name, module in pl_module.named_modules():
        if name and not isinstance(module, Metric | nn.Sequential) and not list(module.children()):
            handles.append(module.register_forward_hook(watch(name)))
    if step.carried is not None:
        pl_module.carried = step.carried
    inputs = [x for x in _leaves(step.batch) if x.is_floating_point()]
    spoiled = any(not torch.isfinite(x).all() for x in inputs)
    seed_step(trainer.seed, step.epoch, step.batch_idx, trainer.global_rank, pl_module.device)
    try:
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            pl_module.training_step(step.batch, step.batch_idx)
    finally:
        for handle in handles:
            handle.remove()
    where = found[0] if found else "none (every module's output is finite)"
    return f"{where}, fed with a batch that is itself not finite" if spoiled else where


def _of_the_worst_rank(finding: str, loss_is_bad: bool, world_size: int) -> str:
    """Returns the finding of the first process whose own loss is bad; gradients carry it to all others."""
    findings: list[Any] = [None] * world_size
    torch.distributed.all_gather_object(findings, (loss_is_bad, finding))
    rank = next((rank for rank, (bad, _) in enumerate(findings) if bad), 0)
    return f"on rank {rank}, {findings[rank][1]}"


def _leaves(batch: Any) -> list[Tensor]:
    if isinstance(batch, Tensor):
        return [batch]
    if isinstance(batch, dict):
        return [leaf for value in batch.values() for leaf in _leaves(value)]
    return [leaf for value in batch for leaf in _leaves(value)] if isinstance(batch, list | tuple) else []
