"""What a classifier makes of the samples of a part: probabilities, and what enters its last dense layer."""

from dataclasses import dataclass
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from datamodules.batches import ImageBatch, TextBatch


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Classified samples.

    Attributes:
        places: Their places in the part, or among the inputs, int64 [N].
        targets: Their classes, -1 where it is not known, int64 [N].
        probabilities: float32 [N, K].
        features: What enters the last dense layer, float32 [N, D]; None if there is none.
        tokens: Symbols of each, if they are texts.
    """

    places: Tensor
    targets: Tensor
    probabilities: Tensor
    features: Tensor | None
    tokens: list[Tensor]

    @property
    def guesses(self) -> Tensor:
        """Predicted classes, int64 [N]."""
        return self.probabilities.argmax(1)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.places)

    def take(self, rows: Tensor) -> "Samples":
        """Returns some of them, by their rows int64 [M]."""
        return Samples(
            places=self.places[rows],
            targets=self.targets[rows],
            probabilities=self.probabilities[rows],
            features=None if self.features is None else self.features[rows],
            tokens=[self.tokens[row] for row in rows.tolist()] if self.tokens else [],
        )


class Collector(Callback):
    """Keeps what is predicted of each sample, and some samples as the network receives them.

    Args:
        examples: How many samples of each class are kept whole, in the order in which they come; all where the classes
            are not known.
        most: How many are kept whole at most.

    Attributes:
        batches: Kept samples, of one row each, in the form of the batch.
        rows: Their rows among all samples.
    """

    def __init__(self, examples: int = 1, most: int = 10) -> None:
        self.examples, self.most = examples, most
        self.batches: list[ImageBatch | TextBatch] = []
        self.rows: list[int] = []
        self._parts: dict[str, list[Tensor]] = {"places": [], "targets": [], "probabilities": [], "features": []}
        self._tokens: list[Tensor] = []
        self._seen = 0
        self._entering: dict[nn.Module, Tensor] = {}  # what first entered each dense layer in this batch, in order
        self._hooks: list[Any] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins to watch the dense layers."""
        for module in pl_module.modules():
            if isinstance(module, nn.Linear):
                self._hooks.append(module.register_forward_pre_hook(self._watch))

    def _watch(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs[0].ndim == 2:  # a row a sample
            self._entering.setdefault(module, inputs[0])  # the first of several views of a picture is the picture

    def on_predict_batch_start(self, *_: Any) -> None:
        """Forgets the batch before."""
        self._entering.clear()

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps the batch."""
        n = len(outputs)
        found = {"places": batch.index, "targets": batch.targets, "probabilities": outputs.float()}
        if self._entering and len(features := [*self._entering.values()][-1]) == n:
            found["features"] = features.float()
        for name, values in found.items():
            self._parts[name].append(values.cpu())
        if isinstance(batch, TextBatch):
            self._tokens += [row[:length].cpu() for row, length in zip(batch.tokens, batch.lengths, strict=True)]
        self._keep(batch)
        self._seen += n

    def _keep(self, batch: Any) -> None:
        classes = [int(one.targets) for one in self.batches]
        for row, target in enumerate(batch.targets.tolist()):
            if len(self.batches) < self.most and (target < 0 or classes.count(target) < self.examples):
                classes.append(target)
                # of this row alone; copied, since tensors of inference mode take no part in gradients
                fields = {
                    name: value[row : row + 1].clone()
                    for name, value in batch._asdict().items()
                    if isinstance(value, Tensor) and value.ndim
                }
                self.batches.append(batch._replace(**fields))
                self.rows.append(self._seen + row)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lets the layers go."""
        while self._hooks:
            self._hooks.pop().remove()

    def samples(self) -> Samples:
        """Returns all samples."""
        whole = {name: torch.cat(values) for name, values in self._parts.items() if values}
        complete = len(whole.get("features", ())) == len(whole["places"])
        return Samples(
            **{name: values for name, values in whole.items() if name != "features"},
            features=whole["features"] if complete else None,
            tokens=self._tokens,
        )
