"""The calls of a training step in a straight line, looked up once an epoch.

Lightning's own way to a step leads through some forty wrappers, each of which looks up a hook, notes its name, opens a
profiler's context and asks what may differ between strategies. Here everything that no model, callback or optimizer
has made its own is left out where it does nothing: clipping without a limit, the move of a batch that lies in memory
already, torch's profiler around the gradients that are dropped.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.loops.optimization.automatic import ClosureResult
from pytorch_lightning.plugins.precision import MixedPrecision
from pytorch_lightning.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from core.errors import InputError
from core.terminal.console import print_line
from datamodules.base.loader import Loader
from engine.speed.idle_hooks import TRAINING_HOOKS

SKIPPED = "note     training_step returned None: such a batch makes no step"
CLIPPING = ("configure_gradient_clipping", "clip_gradients")
RUNNING = "_current_fx_name"  # the attribute by which `log` knows the running hook
GLOBAL_HOOKS = _global_optimizer_pre_hooks, _global_optimizer_post_hooks  # around the steps of all optimizers
LABELLED = Optimizer.profile_hook_step(lambda: None).__code__  # of what torch puts around a step
TRANSFER = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


class StepCalls:
    """Makes a training step on one device, with one optimizer that every batch steps.

    Args:
        trainer: Whose callbacks, model, data, precision and optimizer make it.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.model: LightningModule = trainer.lightning_module
        self.attributes = vars(self.model)  # a Module is slow to set them
        self.optimizer: Optimizer = trainer.optimizers[0]
        self.step = step_of(self.optimizer)
        self.precision = trainer.precision_plugin
        mixed = isinstance(self.precision, MixedPrecision)
        self.autocast = self.precision.autocast_context_manager if mixed else nullcontext
        self.takes_index = is_param_in_hook_signature(self.model.training_step, "batch_idx", min_args=2)
        self.hooks: dict[str, tuple[list[Callable], Callable | None]] = {}
        for hook in TRAINING_HOOKS:
            callbacks = [fn for callback in trainer.callbacks if callable(fn := getattr(callback, hook))]
            self.hooks[hook] = callbacks, None if is_lightnings(self.model, hook) else getattr(self.model, hook)
        self.schedules = [
            config
            for config in trainer.lr_scheduler_configs
            if config.interval == "step" and not config.reduce_on_plateau
        ]
        source = trainer._data_connector._datahook_selector.get_instance
        self.transfers = {hook: getattr(source(hook), hook) for hook in TRANSFER}
        self.prepares_transfer = not is_lightnings(source(TRANSFER[0]), TRANSFER[0])
        self.names = {hook: hook if source(hook) is self.model else "batch_to_device" for hook in TRANSFER}
        if source(TRANSFER[0]) is not self.model:
            self.names[TRANSFER[0]] = None  # before Lightning's `batch_to_device`
        self.lies_there = (
            trainer.strategy.root_device.type == "cpu"
            and is_lightnings(source(TRANSFER[1]), TRANSFER[1])
            and isinstance(trainer.fit_loop._combined_loader.iterables, Loader)  # whose batches are of tensors
        )
        self.clips_if_told = all(is_lightnings(self.model, method) for method in CLIPPING)
        self.drops_gradients = (
            is_lightnings(self.model, "optimizer_zero_grad")
            and type(self.optimizer).zero_grad is Optimizer.zero_grad
            and "zero_grad" not in vars(self.optimizer)
        )

    def call(self, hook: str, *arguments: Any) -> Any:
        """Calls a hook of callbacks and model; returns what the model's gives."""
        callbacks, own = self.hooks[hook]
        if not callbacks and own is None:
            return None
        before, self.attributes[RUNNING] = self.attributes[RUNNING], hook
        for callback in callbacks:
            callback(self.trainer, self.model, *arguments)
        result = None if own is None else own(*arguments)
        self.attributes[RUNNING] = before
        return result

    def call_model(self, method: str, *arguments: Any, **more: Any) -> Any:
        """Calls a method that every model has."""
        return self._call_as(method, getattr(self.model, method), *arguments, **more)

    def _call_as(self, name: str | None, function: Callable, *arguments: Any, **more: Any) -> Any:
        before, self.attributes[RUNNING] = self.attributes[RUNNING], name
        result = function(*arguments, **more)
        self.attributes[RUNNING] = before
        return result

    def to_device(self, batch: Any) -> Any:
        """Moves a batch to the device, by way of the data module's hooks."""
        batch = self.precision.convert_input(batch)
        if self.prepares_transfer:
            batch = self._transfer("on_before_batch_transfer", batch)
        if not self.lies_there:
            batch = self._transfer("transfer_batch_to_device", batch, self.trainer.strategy.root_device)
        return self._transfer("on_after_batch_transfer", batch)

    def _transfer(self, hook: str, *arguments: Any) -> Any:
        return self._call_as(self.names[hook], self.transfers[hook], *arguments, 0)

    def optimize(self, batch: Any, batch_idx: int, progress: Any) -> dict[str, Any]:
        """Makes an optimizer step, and returns what the training step did, the loss without its graph."""
        outputs: dict[str, Any] = {}

        def closure() -> Tensor | None:
            with torch.enable_grad():
                loss = self._loss(batch, batch_idx, outputs)
                self._drop_gradients(batch_idx, progress.zero_grad)
                if loss is not None:
                    self.call("on_before_backward", loss)
                    self.call_model("backward", loss)
                    self.call("on_after_backward")
                    outputs["loss"] = loss.detach()
                self.call("on_before_optimizer_step", self.optimizer)
                self._clip()
            return outputs.get("loss")

        progress.step.increment_ready()
        self._call_as("optimizer_step", self.step, closure)
        progress.step.increment_completed()
        return outputs if "loss" in outputs else {}

    def _loss(self, batch: Any, batch_idx: int, outputs: dict[str, Any]) -> Tensor | None:
        """Returns the loss of a batch, None if it is to make no step; puts into `outputs` what else the model gives."""
        with self.autocast():
            result = self.call_model("training_step", batch, *([batch_idx] if self.takes_index else []))
        outputs.clear()
        if isinstance(result, Tensor) and not result.ndim:
            return result
        self._check(result)
        given = ClosureResult.from_training_step_output(result)  # more than a loss, or none; or an error
        outputs.update(given.extra)
        if given.closure_loss is None:
            told = self.trainer.fit_loop.epoch_loop._warning_cache
            if SKIPPED not in told:
                print_line(SKIPPED)
            told.add(SKIPPED)
        return given.closure_loss

    def _check(self, result: Any) -> None:
        """Checks what a training step has returned.

        Raises:
            InputError: It is no loss, and does not say that there is none.
        """
        what = f"{type(self.model).__name__}.training_step returns"
        loss = result.get("loss") if isinstance(result, Mapping) else result
        if isinstance(loss, Tensor) and loss.numel() != 1:
            raise InputError(f"{what} a loss of shape {list(loss.shape)}; its mean or sum is needed")
        if not isinstance(result, Tensor | Mapping | None):
            raise InputError(f"{what} {type(result).__name__}; a tensor, a dict with one as loss, or None is needed")

    def _drop_gradients(self, batch_idx: int, progress: Any) -> None:
        progress.increment_ready()
        self.call("on_before_zero_grad", self.optimizer)
        progress.increment_started()
        if self.drops_gradients:
            for group in self.optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None
        else:
            self.call_model("optimizer_zero_grad", self.trainer.current_epoch, batch_idx, self.optimizer)
        progress.increment_completed()

    def _clip(self) -> None:
        if self.clips_if_told and not self.trainer.gradient_clip_val:
            return
        self.call_model(
            "configure_gradient_clipping",
            self.optimizer,
            gradient_clip_val=self.trainer.gradient_clip_val,
            gradient_clip_algorithm=self.trainer.gradient_clip_algorithm,
        )

    def step_schedules(self, batch_idx: int, progress: Any) -> None:
        """Steps the schedules of learning rates that count steps."""
        for config in self.schedules:
            if (batch_idx + 1) % config.frequency == 0:
                progress.increment_ready()
                self.call_model("lr_scheduler_step", config.scheduler, None)
                progress.increment_completed()


def is_lightnings(owner: LightningModule | LightningDataModule, method: str) -> bool:
    """Returns whether a model or a data module inherits a method unchanged from Lightning's base class."""
    base = LightningModule if isinstance(owner, LightningModule) else LightningDataModule
    return getattr(getattr(owner, method), "__func__", None) is getattr(base, method)


def step_of(optimizer: Optimizer) -> Callable[[Callable], Any]:
    """Returns an optimizer's step without the label that torch's profiler shows, as long as no profiler runs.

    Torch puts label and hooks around the step of each class, and a schedule notes around that of its optimizer that it
    was called. The label alone takes as long as the kernel that updates the weights of a small network. Where anything
    else is around a step, or hooks are set, it is made as it is.
    """
    labelled, noted = type(optimizer).step, vars(optimizer).get("step")
    is_labelled = getattr(labelled, "__code__", None) is LABELLED
    is_noted = hasattr(noted, "_wrapped_by_lr_sched") and noted.__wrapped__ is labelled

    def step(closure: Callable) -> Any:
        hooks = optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks, *GLOBAL_HOOKS
        if any(hooks) or torch.autograd._profiler_enabled() or vars(optimizer).get("step") is not noted:
            return optimizer.step(closure)
        if is_noted:
            optimizer._opt_called = True
        return labelled.__wrapped__(optimizer, closure)

    return step if is_labelled and (noted is None or is_noted) else optimizer.step
