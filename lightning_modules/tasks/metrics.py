"""Running metrics that cost little enough to be updated in every step."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from math import log
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torchmetrics import Metric

from core.errors import InputError

MOST_WAITING = 16  # batches


class RunningMetrics(Metric):
    """Sums over an epoch, exact for batches of any size and over several devices.

    A subclass adds its sums, updates them and computes the metrics.

    Args:
        persistent: Save the sums in checkpoints, so that an epoch resumed in its middle reports all its samples.
    """

    full_state_update = False

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(compute_with_cache=False)
        # without torchmetrics' wrapper, which takes longer than the update (a deep copy has it again: harmless)
        self.update = type(self).update.__get__(self)
        self.is_saved = persistent
        self.add_state("loss", torch.tensor(0.0))
        self.add_state("count", torch.tensor(0))

    def add_state(
        self,
        name: str,
        default: Tensor | list,
        dist_reduce_fx: str | Callable | None = "sum",
        persistent: bool | None = None,
    ) -> None:
        """Adds a sum, or a list of what cannot be summed.

        Args:
            name: Name of the attribute.
            default: What it begins with.
            dist_reduce_fx: How several devices' are made one.
            persistent: Save it in checkpoints; a sum as the others, and no list, if not given.

        Raises:
            ValueError: It is to be saved and is no sum: checkpoints hold the sums over all processes.
        """
        if persistent is None:
            persistent = self.is_saved and isinstance(default, Tensor)
        if persistent and not (isinstance(default, Tensor) and dist_reduce_fx == "sum"):
            why = "is no sum, so checkpoints cannot hold it"
            raise ValueError(f"{type(self).__name__}: {name} {why}; give persistent=False")
        super().add_state(name, default if isinstance(default, list) else _wide(default), dist_reduce_fx, persistent)

    def _apply(self, fn: Callable[[Tensor], Tensor], *arguments: Any) -> Module:
        """Moves the sums with the model, and leaves them in 32 bits or more: in 16 a sum soon stops growing."""
        return super()._apply(lambda tensor: _wide(fn(tensor), tensor), *arguments)

    def unsaved(self) -> list[str]:
        """Returns the names of what has been added up so far and is in no checkpoint."""
        added = {name: default for name, default in self._defaults.items() if not self._persistent[name]}
        return [name for name, default in added.items() if not _is(getattr(self, name), default)]

    def so_far(self) -> dict[str, float]:
        """Returns the metrics of the samples so far on this device only; synchronizes with the device."""
        return {name: float(value) for name, value in self._named(self.count.clamp(min=1)).items()}

    def compute(self) -> dict[str, Tensor]:
        """Returns the metrics by name."""
        return self._named(self.count)

    def _named(self, count: Tensor) -> dict[str, Tensor]:
        """Returns the metrics by name, given the number of samples.

        Raises:
            InputError: The subclass gives something else.
        """
        figures = self._figures(count)
        if not isinstance(figures, dict):
            kind = type(figures).__name__
            raise InputError(f"{type(self).__name__}._figures returns a {kind}; a dict of figures by name is needed")
        return figures

    @abstractmethod
    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        """Returns the metrics by name, given the number of samples."""


def _is(value: Tensor | list, default: Tensor | list) -> bool:
    return not value if isinstance(default, list) else torch.equal(value.cpu(), default.cpu())


def _wide(tensor: Tensor, given: Tensor | None = None) -> Tensor:
    """Returns a tensor as it is, unless its floats have less than 32 bits: then what it was made of, on its device."""
    if not tensor.is_floating_point() or tensor.element_size() >= 4:
        return tensor
    return (tensor if given is None else given).to(tensor.device, torch.float32)


class SumWithWaiting:
    """A sum of metrics that first adds the batches that wait, whenever it is read or set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, metrics: Any, owner: type) -> Any:
        if metrics is None:
            return self
        values = vars(metrics)
        if self._name not in values:
            raise AttributeError(self._name)
        if metrics.waiting:
            metrics.add_waiting()
        return values[self._name]

    def __set__(self, metrics: Any, value: Tensor) -> None:
        if metrics.waiting:
            metrics.add_waiting()
        vars(metrics)[self._name] = value


class ClassificationMetrics(RunningMetrics):
    """Mean loss and accuracy over samples.

    What is known of a batch waits until there are several or a sum is read. Added up together it takes a fraction of
    the time, since nothing that a single addition runs is in the processor's caches after a step.

    Attributes:
        waiting: Of each batch that is not in the sums yet its loss, and which samples it has right, bool [B].
    """

    loss, count, correct = SumWithWaiting(), SumWithWaiting(), SumWithWaiting()

    def __init__(self, persistent: bool = False) -> None:
        self.waiting: list[tuple[Tensor, Tensor]] = []
        super().__init__(persistent)
        self.add_state("correct", torch.tensor(0))

    def update(self, logits: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Adds a batch, without synchronizing with the device.

        Args:
            logits: [B, K].
            targets: int64 [B].
            loss: Mean loss of the batch.
        """
        self.__dict__["_update_count"] = 1  # torchmetrics checks it to know whether update was called
        hits = logits.detach().argmax(1) == targets
        self.waiting.append((loss.detach().clone(), hits))  # whose memory no caller has
        if len(self.waiting) >= MOST_WAITING:
            self.add_waiting()

    def add_waiting(self) -> None:
        """Adds the batches that wait to the sums."""
        waiting, self.waiting = self.waiting, []
        hits = torch.cat([hits for _, hits in waiting])
        # sums that validation has begun can be changed in inference mode alone
        with torch.inference_mode() if self.loss.is_inference() else nullcontext():
            for loss, its_hits in waiting:  # in turn: sums in another order differ
                self.loss.add_(loss, alpha=its_hits.shape[0])  # `len` of a tensor takes as long as an addition
            self.correct.add_(hits.sum())
            self.count.add_(hits.shape[0])

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        return {"loss": self.loss / count, "acc": self.correct / count}


class SummedMetrics(RunningMetrics):
    """Mean of losses of which each batch gives the sum."""

    def update(self, loss: Tensor, number: Tensor) -> None:
        """Adds a batch, without synchronizing with the device.

        Args:
            loss: Sum of its losses, float32 [].
            number: Number of these, [].
        """
        self.__dict__["_update_count"] = 1
        self.loss.add_(loss.detach())
        self.count.add_(number.long())

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        return {"loss": self.loss / count}


class LanguageMetrics(RunningMetrics):
    """Mean cross-entropy over the symbols of a text, in nats and in bits."""

    def update(self, loss: Tensor, symbols: int) -> None:
        """Adds a batch, without synchronizing with the device.

        Args:
            loss: Mean cross-entropy of the batch, in nats per symbol.
            symbols: Number of symbols predicted.
        """
        self.__dict__["_update_count"] = 1
        self.loss.add_(loss.detach(), alpha=symbols)
        self.count.add_(symbols)

    def _figures(self, count: Tensor) -> dict[str, Tensor]:
        loss = self.loss / count
        return {"loss": loss, "bits": loss / log(2)}
