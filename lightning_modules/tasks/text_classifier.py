"""The base class of text classifiers. A subclass defines the network."""

from abc import abstractmethod
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.protocols.export_forms import ExportForm
from datamodules.batches import TextBatch
from lightning_modules.tasks.classifier import Classifier
from lightning_modules.tasks.exported import form_of_documents
from lightning_modules.tasks.task import without

Objective = Literal["cross_entropy", "squared_error"]


class TextClassifier(Classifier):
    """Classifies documents; padding never changes a result.

    Args:
        num_classes: Number of classes K.
        objective: `cross_entropy`, or `squared_error`, (1 - p)^2 with the probability p of the true class.
        logistic: Whether one logistic unit separates two classes, instead of a softmax over two units.
        training: What `Classifier` takes, such as `optimizer`.

    Raises:
        InputError: One logistic unit with more than two classes, or a squared error with label smoothing.
    """

    paths = ("embeddings",)  # of the networks that have these
    segment = 0  # tokens of each of the segments into which a document is cut; 0 where it is read whole

    def __init__(
        self,
        num_classes: int,
        objective: Objective = "cross_entropy",
        logistic: bool = False,
        **training: Any,
    ) -> None:
        if logistic and num_classes != 2:
            raise InputError(
                f"model.logistic: one unit separates 2 classes, and the data has {num_classes}; "
                "--model.logistic false gives each class a unit"
            )
        training = without(training, norm_lr_factor=1.0)
        super().__init__(norm_lr_factor=1.0, **training)
        if objective == "squared_error" and self.label_smoothing:
            raise InputError(f"model.label_smoothing is {self.label_smoothing:g}: a squared error has none")
        self.objective = objective
        # Outputs of the head. The weights of a single unit are in the parameter group `weights`, because optimizer
        # states of existing checkpoints have them there.
        self.units = 1 if logistic else num_classes

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns logits of documents.

        Args:
            tokens: int64 [B, M]; values after a document's end are ignored.
            lengths: Number of tokens of each document, int64 [B], at least 1.

        Returns:
            [B, K]; for one logistic unit, the first logit is 0.
        """
        logits = self.scores(tokens, lengths)
        return torch.cat([torch.zeros_like(logits), logits], 1) if self.units == 1 else logits

    @abstractmethod
    def scores(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Returns the outputs of the head, [B, units], for documents given as in `forward`."""

    def logits(self, batch: TextBatch) -> Tensor:
        """Returns logits [B, K] of a batch of documents."""
        return self(batch.tokens, batch.lengths)

    def export_form(self, data: Any) -> ExportForm:
        """Returns the network of numbered symbols, with the vocabulary, see `core.protocols.export_forms`."""
        return form_of_documents(self, data, self.segment)

    def loss(self, logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Returns the mean loss of a batch: cross-entropy in nats, or the squared error.

        Args:
            logits: float32 [B, K].
            targets: int64 [B].
            label_smoothing: Part of the target distribution that is spread evenly over all classes.
        """
        if self.objective == "squared_error":
            return (1 - logits.softmax(1).gather(1, targets[:, None])).square().mean()
        return super().loss(logits, targets, label_smoothing)
