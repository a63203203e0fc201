"""The base class of all tasks: metrics, optimizer and schedule. A subclass defines the loss of a batch."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from core.code.limited_imports import LoadsWithLimits
from core.epochs import goes_on_within_epoch
from core.errors import InputError
from core.measures import Measure
from core.processes.peers import renew_buffers
from core.ranges import check_range
from core.terminal.console import print_line
from lightning_modules.schedules import RunSchedule
from lightning_modules.tasks.made_optimizer import made_optimizer
from lightning_modules.tasks.metrics import ClassificationMetrics, RunningMetrics
from lightning_modules.tasks.parameter_groups import are_merged, groups_by_depth, groups_by_kind, layers_of, weights_of
from lightning_modules.tasks.plateau import check_validated, plateau_config, step_plateaus
from lightning_modules.tasks.started import check_started
from lightning_modules.tasks.stated import check_stated

HALF_WEIGHTS = ("16-true", "bf16-true")  # number formats with weights of 16 bits
OTHER_WEIGHTS = (*HALF_WEIGHTS, "64-true")  # and with those of another number than 32


def default_optimizer(params: Iterable) -> Optimizer:
    """Returns SGD with momentum, for models without a config; each config sets its own optimizer."""
    return optim.SGD(params, lr=0.05, momentum=0.9)


def without(training: dict[str, Any], **fixed: Any) -> dict[str, Any]:
    """Returns the settings that a network passes to its task, without those that the network fixes.

    Args:
        training: Settings by name.
        fixed: Values of the settings that the network does not have; checkpoints may contain them with these values.

    Raises:
        InputError: A fixed setting is given another value.
    """
    for name, value in fixed.items():
        if training.get(name, value) != value:
            raise InputError(f"model.{name} is {training[name]}: this network has no such setting")
    return {name: value for name, value in training.items() if name not in fixed}


class Task(LoadsWithLimits, LightningModule):
    """Defines training: metrics, logged under `train/`, `val/` and `test/`, and how weights are optimized.

    Args:
        optimizer: Makes the optimizer from parameter groups.
        lr_scheduler: Makes the schedule from the optimizer; a constant learning rate if not given. Schedules count
            optimizer steps, and `ReduceLROnPlateau` epochs with a validation.
        decay_norms_and_biases: Whether weight decay also applies to norms and biases, and not only to weights.
        norm_lr_factor: Factor on the learning rate of norm layers; their weight decay is divided by it.
        depth_lr_factor: Factor on the learning rate for each step that a layer is further from the output, such as
            0.8, so that the layers nearest to the input of a network that is fine-tuned change least.

    Raises:
        InputError: A factor is not above 0, or the class lacks what a task states.
    """

    takes_named_batches: ClassVar[bool] = True
    metrics_type: ClassVar[type[RunningMetrics]] = ClassificationMetrics
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("loss", "min"),
        Measure("acc", "max", unit="%", digits=2, words="accuracy"),
    )
    lacking_formats: ClassVar[tuple[str, ...]] = ()  # number formats in which it cannot be computed
    paths: ClassVar[tuple[str, ...]] = ()  # names of arguments that name files or folders
    changeable: ClassVar[tuple[str, ...]] = ()  # names of arguments that may differ when a run continues
    monitor: ClassVar[str] = "val/acc"  # decides which weights are best, unless a config names another
    _unsaved: Sequence[str] = ()  # states of metrics that the checkpoint with which the run goes on lacks
    made_of_settings: frozenset[str] = frozenset()  # which of optimizer and lr_scheduler it has made as they say
    goes_on_merged = False  # whether the parameter groups of the checkpoint with which the run goes on are merged

    def __init__(
        self,
        optimizer: OptimizerCallable = default_optimizer,
        lr_scheduler: LRSchedulerCallable | None = None,
        decay_norms_and_biases: bool = True,
        norm_lr_factor: float = 1.0,
        depth_lr_factor: float = 1.0,
    ) -> None:
        check_stated(type(self))
        check_range("model.norm_lr_factor", norm_lr_factor, above=True)
        check_range("model.depth_lr_factor", depth_lr_factor, above=True, most=1)
        super().__init__()
        # The config stores the callables. Loggers get the whole config, so not the hyperparameters as well.
        self.save_hyperparameters(ignore=["optimizer", "lr_scheduler"], logger=False)
        # Plain functions, because the parser's callables cannot be deep-copied with the model.
        self.make_optimizer = lambda groups: optimizer(groups)
        self.has_optimizer = optimizer is not default_optimizer  # of its own, which no checkpoint holds
        self.make_schedule = None if lr_scheduler is None else lambda optimizer: lr_scheduler(optimizer)
        self.decay_norms_and_biases = decay_norms_and_biases
        self.norm_lr_factor, self.depth_lr_factor = norm_lr_factor, depth_lr_factor
        self.train_metrics = self.metrics_type(persistent=True)
        self.val_metrics = self.metrics_type()
        self.test_metrics = self.metrics_type()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":  # Lightning sets it some forty times per step, and Module's method is slow
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def on_train_start(self) -> None:
        """Checks that layers and plateau schedules have what they need; says what a resume does not know."""
        check_started(self)
        check_validated(self.trainer)
        if self._unsaved and goes_on_within_epoch(self.trainer):
            what = f"{type(self.train_metrics).__name__} ({', '.join(self._unsaved)})"
            print_line(f"note     what no checkpoint holds of {what} is of the epoch's later batches alone")

    def on_train_epoch_start(self) -> None:
        """Resets the training metrics; not called when a run resumes within an epoch, whose metrics continue."""
        self.train_metrics.reset()

    @abstractmethod
    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Returns the named losses of a training batch, as `training_step` computes them.

        Makes no optimizer step, and changes neither metrics nor a state that is carried from batch to batch. The
        running statistics of batch norms change, as in any forward pass in training.
        """

    @abstractmethod
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Returns the mean loss of a batch, and adds the batch to the training metrics."""

    def running_figures(self) -> dict[str, float]:
        """Returns the training metrics of the epoch so far on this device only; synchronizes with the device."""
        return self.train_metrics.so_far()

    def on_train_epoch_end(self) -> None:
        """Logs the epoch's training metrics, and steps a plateau schedule with the validation metric."""
        self._log("train", self.train_metrics)
        step_plateaus(self.trainer)

    def on_validation_epoch_start(self) -> None:
        """Resets the metrics, which may be inference-mode tensors; all processes take the buffers of the first."""
        self.val_metrics.reset()
        renew_buffers(self.trainer.strategy.model)

    @abstractmethod
    def evaluate(self, batch: Any, metrics: RunningMetrics) -> Tensor:
        """Updates validation or test metrics with a batch and returns the model's outputs."""

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Updates the validation metrics with a batch."""
        self.evaluate(batch, self.val_metrics)

    def on_validation_epoch_end(self) -> None:
        """Logs the validation metrics."""
        self._log("val", self.val_metrics)

    def on_test_epoch_start(self) -> None:
        """Resets the test metrics."""
        self.test_metrics.reset()

    def test_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Updates the test metrics with a batch and returns the model's outputs."""
        return self.evaluate(batch, self.test_metrics)

    def on_test_epoch_end(self) -> None:
        """Logs the test metrics."""
        self._log("test", self.test_metrics)

    def whole_precision(self) -> AbstractContextManager:
        """Returns a context without autocast, for what rests on small differences of sums, such as a nearest vector."""
        return torch.autocast(self.device.type, enabled=False)

    def _log(self, part: str, metrics: RunningMetrics) -> None:
        self.log_dict({f"{part}/{name}": value for name, value in metrics.compute().items()})

    def head_layers(self) -> list[nn.Module]:
        """Returns the layers whose weights form the parameter group `head`; none, unless a network names its own."""
        return []

    def output_weights(self) -> list[nn.Parameter] | None:
        """Returns the weights that give the outputs, which an optimizer for hidden weights leaves out: the head's.

        None where the network does not say which they are.
        """
        return weights_of(self.head_layers()) or None

    def steps(self) -> dict[str, nn.Module]:
        """Returns the network's parts in order, if `forward` is their chain: see `core.protocols.encoding.HasSteps`."""
        return {}

    def parts_by_depth(self) -> list[nn.Module]:
        """Returns the parts from the input to the output, as `depth_lr_factor` counts them."""
        return list(self.steps().values()) or layers_of(self)

    def parameter_groups(self, network: nn.Module | None = None, by_use: bool = False) -> list[dict]:
        """Returns the non-empty parameter groups of `weights`, `head`, `norms` and `biases`, of a part or of all.

        `norms` has scale and bias of batch, layer and group norms; `biases` has all other vectors and scalars. With a
        `depth_lr_factor` each part by depth has groups of its own, the last part the first ones. By use, `embeddings`
        is a group, too, and `head` has all `output_weights`, so that `weights` has hidden weights alone.
        """
        head, outputs = self.head_layers(), self.output_weights() if by_use else None
        whole = network is None
        network = self if whole else network
        if self.depth_lr_factor == 1:
            return groups_by_kind(network, network.parameters(), head, outputs)
        parts = self.parts_by_depth() if whole else layers_of(network)
        return groups_by_depth(network, parts, head, self.depth_lr_factor, outputs)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Sums the running metrics over all processes, each of which has processed a part of the epoch."""
        if unsaved := self.train_metrics.unsaved():
            checkpoint["unsaved_metrics"] = unsaved
        if self.trainer.world_size > 1:
            for value in _running_metrics(checkpoint).values():
                value.copy_(self.trainer.strategy.reduce(value.clone().to(self.device), reduce_op="sum"))

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Restores the summed running metrics in the first process; the others start from 0.

        Notes whether its parameter groups are merged, as they were in earlier releases without weight decay.
        """
        self._unsaved = checkpoint.get("unsaved_metrics", [])
        self.goes_on_merged = are_merged(checkpoint.get("optimizer_states", ()))
        if self._trainer is not None and self._trainer.global_rank > 0:
            for value in _running_metrics(checkpoint).values():
                value.zero_()

    def configure_optimizers(self) -> Optimizer | dict:
        """Returns the optimizer and its schedule, which steps with it; a plateau schedule steps with validation."""
        return self.with_schedule(self.optimizer_of(self))

    def optimizer_of(self, network: nn.Module) -> Optimizer:
        """Returns the optimizer of a network, which is this one or a part of it."""
        return made_optimizer(self, network)

    def with_schedule(self, optimizer: Optimizer) -> Optimizer | dict:
        """Returns an optimizer and the schedule of the settings, if there is one, as Lightning takes them."""
        self.made_of_settings |= {"lr_scheduler"}
        if self.make_schedule is None:
            return optimizer
        schedule = self.make_schedule(optimizer)
        if isinstance(schedule, optim.lr_scheduler.ReduceLROnPlateau):
            return {"optimizer": optimizer, "lr_scheduler": plateau_config(schedule, self)}
        if isinstance(schedule, RunSchedule):
            schedule.set_total_steps(self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _running_metrics(checkpoint: dict) -> dict[str, Tensor]:
    """Returns the running training sums in a checkpoint; with weight averaging they are in the current model state."""
    state = checkpoint.get("current_model_state", checkpoint["state_dict"])
    return {name: value for name, value in state.items() if name.startswith("train_metrics.")}
