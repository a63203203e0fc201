"""The task that all image classifiers share: the step, the metrics, the optimizer. A subclass states the network."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from datamodules.loader import Batch
from engine.errors import InputError
from engine.monitor import check_monitor
from lightning_modules.metrics import ClassificationMetrics
from lightning_modules.schedules import RunSchedule


def default_optimizer(params: Iterable) -> Optimizer:
    """Returns plain momentum SGD; every config names its own."""
    return torch.optim.SGD(params, lr=0.05, momentum=0.9)


class ImageClassifier(LightningModule):
    """Softmax cross-entropy on logits.

    Logs `loss` (nats, unless a network has a loss of its own; without label smoothing outside training) and `acc`
    (0 to 1) under `train/`, `val/` and `test/`.

    Args:
        optimizer: Makes the optimizer from parameter groups.
        lr_scheduler: Makes the schedule from the optimizer; constant if not given.
        label_smoothing: Part of the target that is spread over all classes.
        decay_norms_and_biases: Whether weight decay acts on norms and biases too, and not on weights alone.
        norm_lr_factor: Factor on the learning rate of norms; their weight decay is divided by it.
    """

    val_metric_names = ("val/loss", "val/acc")

    def __init__(
        self,
        optimizer: OptimizerCallable = default_optimizer,
        lr_scheduler: LRSchedulerCallable | None = None,
        label_smoothing: float = 0.0,
        decay_norms_and_biases: bool = True,
        norm_lr_factor: float = 1.0,
    ) -> None:
        super().__init__()
        # Callables are the config's to keep. Loggers get the whole config once, so not these beside it.
        self.save_hyperparameters(ignore=["optimizer", "lr_scheduler"], logger=False)
        # Functions, which copies of the model share; what a command line's parser gives cannot be copied.
        self.make_optimizer = lambda groups: optimizer(groups)
        self.make_schedule = None if lr_scheduler is None else lambda optimizer: lr_scheduler(optimizer)
        self.label_smoothing = label_smoothing
        self.decay_norms_and_biases = decay_norms_and_biases
        self.norm_lr_factor = norm_lr_factor
        self.train_metrics = ClassificationMetrics(persistent=True)
        self.val_metrics = ClassificationMetrics()
        self.test_metrics = ClassificationMetrics()
        self.views: Callable[[Tensor], list[tuple[float, Tensor]]] | None = None  # of images to predict; see Views

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":  # Lightning notes some forty times a step where it is; Module looks long at each
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the mean loss of a batch: cross-entropy in nats, unless a network has a loss of its own.

        Args:
            logits: float32 [B, K].
            targets: int64 [B].
            label_smoothing: Part of the target that is spread over all classes.
        """
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)

    def training_outputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns logits, float32 [B, K], and loss of a training batch; for networks with auxiliary heads to extend."""
        logits = self(batch.images).float()
        return logits, self.loss(logits, batch.targets, self.label_smoothing)

    def from_torchvision(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the weights of torchvision's same network under this network's names, where these differ."""
        return weights

    def on_train_start(self) -> None:
        """Checks that what a plateau schedule watches will be measured.

        Raises:
            InputError: There is no validation.
        """
        batches = self.trainer.num_val_batches  # still unknown, an empty list, if the first epoch does not validate
        for config in self.trainer.lr_scheduler_configs:
            if isinstance(config.scheduler, ReduceLROnPlateau) and batches and not sum(batches):
                raise InputError(
                    f"a plateau schedule watches {config.monitor}: it needs a validation split (data.val_size)"
                )

    def on_train_epoch_start(self) -> None:
        """Starts the epoch's metrics; a run resumed within an epoch does not come here, and keeps them."""
        self.train_metrics.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Returns the loss of a batch."""
        logits, loss = self.training_outputs(batch)
        self.train_metrics.update(logits, batch.targets, loss)
        return loss

    def on_train_epoch_end(self) -> None:
        """Logs the epoch's training metrics, and lets a plateau schedule look at the validation's."""
        self._log("train", self.train_metrics)
        # Lightning would do this after the epoch's checkpoint is saved, and never after a resume.
        for config in self.trainer.lr_scheduler_configs:
            if isinstance(config.scheduler, ReduceLROnPlateau) and config.monitor in self.trainer.epoch_validation:
                config.scheduler.step(self.trainer.epoch_validation[config.monitor])

    def on_validation_epoch_start(self) -> None:
        """Starts the metrics, which an earlier validation may have left as tensors of inference mode."""
        self.val_metrics.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Takes a batch into the validation metrics."""
        self._evaluate(batch, self.val_metrics)

    def on_validation_epoch_end(self) -> None:
        """Logs the validation metrics."""
        self._log("val", self.val_metrics)

    def on_test_epoch_start(self) -> None:
        """Starts the metrics."""
        self.test_metrics.reset()

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Takes a batch into the test metrics and returns its probabilities, [B, K]."""
        return self._evaluate(batch, self.test_metrics).softmax(1)

    def on_test_epoch_end(self) -> None:
        """Logs the test metrics."""
        self._log("test", self.test_metrics)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Returns the probabilities of a batch, float32 [B, K]."""
        return self.predicted_logits(batch.images).softmax(1)

    def predicted_logits(self, images: Tensor) -> Tensor:
        """Returns logits, float32 [B, K], averaged over several views of each image where these are asked for."""
        if self.views is None:
            return self(images).float()
        return sum(weight * self(view).float() for weight, view in self.views(images))

    def _evaluate(self, batch: Batch, metrics: ClassificationMetrics) -> Tensor:
        logits = self.predicted_logits(batch.images)
        metrics.update(logits, batch.targets, self.loss(logits, batch.targets))
        return logits

    def _log(self, part: str, metrics: ClassificationMetrics) -> None:
        self.log_dict({f"{part}/{name}": value for name, value in metrics.compute().items()})

    def parameter_groups(self) -> list[dict]:
        """Returns the parameters as named groups: weights, those of the head, norms, and other biases.

        The head is every dense layer with as many outputs as there are classes.
        """
        kinds: dict[int, str] = {}
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._NormBase):
                kinds |= {id(parameter): "norms" for parameter in module.parameters()}
            elif isinstance(module, nn.Linear) and module.out_features == self.hparams.get("num_classes"):
                kinds[id(module.weight)] = "head"
        groups: dict[str, list[nn.Parameter]] = {"weights": [], "head": [], "norms": [], "biases": []}
        for parameter in self.parameters():
            groups[kinds.get(id(parameter), "weights" if parameter.ndim > 1 else "biases")].append(parameter)
        return [{"name": name, "params": params} for name, params in groups.items() if params]

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Puts the running metrics of all processes together, each of which has seen a part of the epoch."""
        if self.trainer.world_size > 1:
            for value in _running_metrics(checkpoint).values():
                value.copy_(self.trainer.strategy.reduce(value.clone().to(self.device), reduce_op="sum"))

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Gives the running metrics of all processes to the first."""
        if self._trainer is not None and self._trainer.global_rank > 0:
            for value in _running_metrics(checkpoint).values():
                value.zero_()

    def configure_optimizers(self) -> Optimizer | dict:
        """Returns the optimizer and its schedule, which steps with the optimizer; a plateau's steps with validation."""
        optimizer = self.make_optimizer(self.parameter_groups())
        for group in optimizer.param_groups:
            if group["name"] in ("norms", "biases") and not self.decay_norms_and_biases:
                group["weight_decay"] = 0.0
            if group["name"] == "norms" and self.norm_lr_factor != 1:
                # an SGD step decays by lr * weight_decay, which the factor is not to change
                group["lr"] *= self.norm_lr_factor
                group["weight_decay"] = group.get("weight_decay", 0.0) / self.norm_lr_factor
        if _all_alike(optimizer.param_groups):  # one group then: each takes some twenty microseconds of a step
            optimizer = self.make_optimizer([{"name": "all", "params": list(self.parameters())}])
        if self.make_schedule is None:
            return optimizer
        schedule = self.make_schedule(optimizer)
        if isinstance(schedule, ReduceLROnPlateau):
            monitor = getattr(schedule, "monitor", "val/loss")  # Lightning's has one, torch's has none
            check_monitor("--model.lr_scheduler.monitor", monitor, self)
            plateau = {"scheduler": schedule, "monitor": monitor, "interval": "epoch", "frequency": NEVER}
            return {"optimizer": optimizer, "lr_scheduler": plateau}
        if isinstance(schedule, RunSchedule):
            schedule.set_total_steps(self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


NEVER = 10**9  # epochs: Lightning keeps a plateau schedule's state, but does not step it

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def _all_alike(groups: list[dict]) -> bool:
    """Says whether parameter groups differ in nothing but their names and parameters."""
    settings = [{key: value for key, value in group.items() if key not in ("name", "params")} for group in groups]
    return all(other == settings[0] for other in settings)


def _running_metrics(checkpoint: dict) -> dict[str, Tensor]:
    """Returns the sums of the epoch so far in a checkpoint; under weight averaging they are in the current state."""
    state = checkpoint.get("current_model_state", checkpoint["state_dict"])
    return {name: value for name, value in state.items() if name.startswith("train_metrics.")}
