"""The base class of all classifiers: loss, training step, evaluation and prediction."""

from abc import abstractmethod
from functools import reduce
from operator import add
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from core.ranges import check_range
from lightning_modules.tasks.metrics import ClassificationMetrics
from lightning_modules.tasks.task import Task


class Classifier(Task):
    """Softmax cross-entropy on logits.

    Logs `loss` (nats, unless a network has a loss of its own; without label smoothing outside training) and `acc`
    (0 to 1) under `train/`, `val/` and `test/`. A subclass implements `logits`, which evaluates its network on a batch.

    Args:
        label_smoothing: Part of the target distribution that is spread evenly over all classes.
        training: What `Task` takes, such as `optimizer`.

    Raises:
        InputError: The label smoothing is no part of 1.
    """

    def __init__(self, label_smoothing: float = 0.0, **training: Any) -> None:
        check_range("model.label_smoothing", label_smoothing, most=1, below=True)
        super().__init__(**training)
        self.label_smoothing = label_smoothing
        self.trained_logits: Tensor | None = None  # of the batch that it was last trained on

    @abstractmethod
    def logits(self, batch: Any) -> Tensor:
        """Returns logits [B, K] of a batch."""

    def predicted_logits(self, batch: Any) -> Tensor:
        """Returns the logits for validation, test and prediction, float32 [B, K]."""
        return self.logits(batch).float()

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the mean loss of a batch: cross-entropy in nats, unless a network has a loss of its own.

        Args:
            logits: float32 [B, K].
            targets: int64 [B].
            label_smoothing: Part of the target distribution that is spread evenly over all classes.
        """
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)

    def training_outputs(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns logits, float32 [B, K], and the named losses of a training batch; auxiliary heads add losses here."""
        logits = self.logits(batch).float()
        return logits, {"classification": self.loss(logits, batch.targets, self.label_smoothing)}

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Returns the named losses of a training batch, whose sum is minimised."""
        return self.training_outputs(batch)[1]

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Returns the sum of the losses of a batch, and adds the batch to the training metrics."""
        logits, losses = self.training_outputs(batch)
        vars(self)["trained_logits"] = logits.detach()  # a Module is slow to set a tensor
        loss = reduce(add, losses.values())
        self.train_metrics.update(logits, batch.targets, loss)
        return loss

    def evaluate(self, batch: Any, metrics: ClassificationMetrics) -> Tensor:
        """Updates the metrics with a batch and returns its class probabilities, float32 [B, K]."""
        logits = self.predicted_logits(batch)
        metrics.update(logits, batch.targets, self.loss(logits, batch.targets))
        return logits.softmax(1)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Returns the class probabilities of a batch, float32 [B, K]."""
        return self.predicted_logits(batch).softmax(1)
