"""Lightning's loop over the batches of an epoch, in a straight line where a run is of the common kind.

Lightning's own way to a step leads through some forty wrappers, each of which looks up a hook, notes its name, opens a
profiler's context and asks what may differ between strategies: 0.3 to 0.5 milliseconds, as much as a small network's
whole step. Here hooks are looked up once an epoch. Which hooks are called, in which order, with which arguments, and
what counters and checkpoints hold is Lightning's; a test compares the two, call by call.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.loops.fetchers import _DataFetcher, _DataLoaderIterDataFetcher
from pytorch_lightning.loops.optimization.automatic import Closure, ClosureResult
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from pytorch_lightning.utilities.signature_utils import is_param_in_hook_signature
from torch import Tensor

from engine.speed.idle_hooks import TRAINING_HOOKS, NoProfiler


class EpochLoop(_TrainingEpochLoop):
    """Makes steps without detours on one device, with one optimizer that every batch steps; else as Lightning does."""

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Looks up what this epoch's steps call."""
        super().on_run_start(data_fetcher)
        trainer = self.trainer
        model, precision = trainer.lightning_module, trainer.precision_plugin
        self._straight = (
            type(trainer.strategy) is SingleDeviceStrategy
            and trainer.strategy.model is model
            and model.automatic_optimization
            and not self.automatic_optimization._skip_backward
            and trainer.accumulate_grad_batches == 1
            and len(trainer.optimizers) == 1
            and type(precision) in (Precision, MixedPrecision)
            and not (isinstance(precision, MixedPrecision) and precision.scaler is not None)
            and isinstance(trainer.profiler, NoProfiler)
            and _is_lightnings(model, "optimizer_step")
            and not isinstance(data_fetcher, _DataLoaderIterDataFetcher)  # a model that asks for batches itself
        )
        if self._straight:
            self._step = _Step(trainer)

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Trains on a batch."""
        if not self._straight or self.restarting:
            super().advance(data_fetcher)
            return
        self.val_loop.restarting = False
        batch, _, _ = next(data_fetcher)
        batch_idx = self.batch_idx + 1
        progress = self.batch_progress
        progress.is_last_batch = data_fetcher.done
        step, connector = self._step, self.trainer._logger_connector
        batch = step.to_device(batch)
        progress.increment_ready()
        connector.on_batch_start(batch)
        skip = step.call("on_train_batch_start", batch, batch_idx) == -1  # the rest of the epoch
        if skip:
            progress.increment_by(0, is_last_batch=True)
        else:
            progress.increment_started()
            outputs = step.optimize(batch, batch_idx, self.automatic_optimization.optim_progress.optimizer)
        progress.increment_processed()
        self.update_lr_schedulers("step", update_plateau_schedulers=False)
        if self._num_ready_batches_reached():
            self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        if skip:
            raise StopIteration
        step.call("on_train_batch_end", outputs, batch, batch_idx)
        connector.on_batch_end()
        progress.increment_completed()
        connector.update_train_step_metrics()


class _Step:
    """The calls of a training step, looked up once.

    Args:
        trainer: Whose callbacks, model, data, precision and optimizer they are.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.model: LightningModule = trainer.lightning_module
        self.optimizer = trainer.optimizers[0]
        self.precision = trainer.precision_plugin
        mixed = isinstance(self.precision, MixedPrecision)
        self.autocast = self.precision.autocast_context_manager if mixed else nullcontext
        self.takes_index = is_param_in_hook_signature(self.model.training_step, "batch_idx", min_args=2)
        self.hooks: dict[str, tuple[list[Callable], Callable | None]] = {}
        for hook in TRAINING_HOOKS:
            callbacks = [fn for callback in trainer.callbacks if callable(fn := getattr(callback, hook))]
            self.hooks[hook] = callbacks, None if _is_lightnings(self.model, hook) else getattr(self.model, hook)
        source = trainer._data_connector._datahook_selector.get_instance
        self.before_transfer, self.transfer, self.after_transfer = (
            getattr(source(hook), hook)
            for hook in ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
        )

    def call(self, hook: str, *arguments: Any) -> Any:
        """Calls a hook of callbacks and model; returns what the model's gives."""
        callbacks, own = self.hooks[hook]
        if not callbacks and own is None:
            return None
        before, self.model._current_fx_name = self.model._current_fx_name, hook  # for what they log
        for callback in callbacks:
            callback(self.trainer, self.model, *arguments)
        result = None if own is None else own(*arguments)
        self.model._current_fx_name = before
        return result

    def call_model(self, method: str, *arguments: Any, **more: Any) -> Any:
        """Calls a method that every model has."""
        before, self.model._current_fx_name = self.model._current_fx_name, method
        result = getattr(self.model, method)(*arguments, **more)
        self.model._current_fx_name = before
        return result

    def to_device(self, batch: Any) -> Any:
        """Moves a batch to the device, by way of the data module's hooks."""
        batch = self.before_transfer(self.precision.convert_input(batch), 0)
        return self.after_transfer(self.transfer(batch, self.trainer.strategy.root_device, 0), 0)

    def optimize(self, batch: Any, batch_idx: int, progress: Any) -> dict[str, Any]:
        """Makes an optimizer step, and returns what the training step did, the loss without its graph."""
        outputs: dict[str, Any] = {}

        @torch.enable_grad()
        def closure() -> Tensor | None:
            with self.autocast():
                result = self.call_model("training_step", batch, *([batch_idx] if self.takes_index else []))
            loss = result
            outputs.clear()
            if not isinstance(result, Tensor):  # with more than a loss, or none to skip the batch; or an error
                given = ClosureResult.from_training_step_output(result)
                loss = given.closure_loss
                outputs.update(given.extra)
                if loss is None:
                    Closure.warning_cache.warn("`training_step` returned `None`: this batch makes no step")
            progress.zero_grad.increment_ready()
            self.call("on_before_zero_grad", self.optimizer)
            progress.zero_grad.increment_started()
            self.call_model("optimizer_zero_grad", self.trainer.current_epoch, batch_idx, self.optimizer)
            progress.zero_grad.increment_completed()
            if loss is not None:
                self.call("on_before_backward", loss)
                self.call_model("backward", loss)
                self.call("on_after_backward")
                outputs["loss"] = loss.detach()
            self.call("on_before_optimizer_step", self.optimizer)
            self.call_model(
                "configure_gradient_clipping",
                self.optimizer,
                gradient_clip_val=self.trainer.gradient_clip_val,
                gradient_clip_algorithm=self.trainer.gradient_clip_algorithm,
            )
            return outputs.get("loss")

        progress.step.increment_ready()
        before, self.model._current_fx_name = self.model._current_fx_name, "optimizer_step"
        self.optimizer.step(closure)
        self.model._current_fx_name = before
        progress.step.increment_completed()
        return outputs if "loss" in outputs else {}


def _is_lightnings(model: LightningModule, hook: str) -> bool:
    """Says whether a model has left a hook as Lightning's base class has it."""
    return getattr(getattr(model, hook), "__func__", None) is getattr(LightningModule, hook)
