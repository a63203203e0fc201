"""The base of data sets of separate samples, in memory or on disk."""

from typing import Protocol, runtime_checkable

import torch
from pytorch_lightning.callbacks import BasePredictionWriter
from torch import Tensor

from core.abstract_methods import left_to_subclasses
from core.epochs import takes_all
from core.errors import InputError
from datamodules.base.data_module import DataModule
from datamodules.base.loader import SampleLoader
from datamodules.base.selection import Selection
from datamodules.base.split import Split


@runtime_checkable
class SortsByLength(Protocol):
    """A loader that can evaluate samples in order of their length, so that those of a batch are alike."""

    by_length: bool

    def evaluated(self) -> Tensor:
        """Returns the samples of this process, int64 [N], in the order in which they are evaluated."""


class SampleDataModule(DataModule):
    """Samples that are independent of each other: images, documents, pairs of them, with or without classes.

    A subclass makes the loader of a split.

    Attributes:
        selection: Chooses the training samples of each epoch; None for all.
    """

    selection: Selection | None = None
    any_order = False  # whether predictions may come in another order than their samples; `predicted_order` tells it
    _predicted: SampleLoader | None = None  # the latest loader of `predict`

    splits: dict[str, Split]
    predicted_part = "test"  # what `predict` takes where there are no inputs

    @left_to_subclasses
    def make_loader(self, split: Split, batch_size: int, seed: int | None, in_order: bool) -> SampleLoader:
        """Makes the loader of a split for this process.

        Args:
            split: The samples.
            batch_size: Samples per batch, on all devices together.
            seed: Seed of the order; None in evaluation, which uses every sample once.
            in_order: Whether evaluation must keep the order of the samples, even if another order is faster.
        """

    def where_tests_belong(self) -> str:
        """Returns where test samples are expected, for the error message of a test without any."""
        return "the data set has no test part"

    def setup(self, stage: str) -> None:
        """Loads the samples; later calls do nothing.

        Raises:
            InputError: They are missing or broken, a batch is larger than the training split, or a test has no samples.
        """
        super().setup(stage)
        part = {"test": "test", "predict": self.predicted_part}.get(stage)
        if part == "test" and not self.inputs and not len(self.splits[part]):
            other = "; validate measures the validation split" if len(self.splits["val"]) else ""
            raise InputError(f"{self.where_tests_belong()}{other}")

    def train_dataloader(self) -> SampleLoader:
        """Returns the loader of the training split, at the batch at which a resumed run continues."""
        self.check_shares()
        loader = self.loader("train", self.batch_size, self.trainer.seed)
        loader.selection = self.selection
        return self.resumed(loader)

    def val_dataloader(self) -> SampleLoader | list:
        """Returns the loader of the validation split; an empty list, which Lightning skips, if there is none."""
        return self.loader("val", self.eval_batch_size) if len(self.splits["val"]) else []

    def test_dataloader(self) -> SampleLoader:
        """Returns the loader of the test split."""
        return self.loader("test", self.eval_batch_size)

    def predict_dataloader(self) -> SampleLoader:
        """Returns the loader of `inputs`, or of the predicted part if there are none, in order unless `any_order`."""
        part = "predict" if self.inputs else self.predicted_part
        if self.inputs:
            self.splits[part] = self.read_inputs()
        self._predicted = self.loader(part, self.eval_batch_size, in_order=True)
        if isinstance(self._predicted, SortsByLength):
            self._predicted.by_length = self._may_sort()
        return self._predicted

    def _may_sort(self) -> bool:
        """Returns whether predictions may come in another order: all of them, and to nobody who expects another."""
        if not self.any_order or not takes_all(self.trainer.limit_predict_batches):  # a limit means the first samples
            return False
        return not any(isinstance(callback, BasePredictionWriter) for callback in self.trainer.callbacks)

    def predicted_order(self) -> Tensor | None:
        """Returns the places of the samples that this process predicts, in their order; None for that of the places."""
        loader = self._predicted
        return loader.evaluated() if isinstance(loader, SortsByLength) and loader.by_length else None

    @left_to_subclasses
    def read_inputs(self) -> Split:
        """Returns the samples of `inputs`, in order.

        For one that cannot be read there is an empty sample, and the reason in `unread`, at the latest when it is
        loaded.
        """

    def stored(self, name: str) -> Split:
        """Returns the samples of a split as its loader takes them."""
        return self.splits[name]

    def loader(self, name: str, batch_size: int, seed: int | None = None, in_order: bool = False) -> SampleLoader:
        """Returns a new loader of a split, whose samples are moved to the device if they fit into its memory."""
        split = self.stored(name)
        self.check_enough(len(split), f"{self.unit} of the {name} split")
        if split.nbytes is not None and self.may_live_on_device(split.nbytes):
            split = split.to(self.trainer.strategy.root_device)
        return self.keep(name, self.make_loader(split, batch_size, seed, in_order))

    def may_live_on_device(self, nbytes: int) -> bool:
        """Returns whether data of this size is moved to the device once, instead of batch by batch."""
        device = self.trainer.strategy.root_device
        return device.type == "cuda" and nbytes < torch.cuda.mem_get_info(device)[0] // 4

    def prediction_names(self) -> list[str]:
        """Returns the names of the predicted samples: `inputs`, or their indices in the predicted part."""
        if self.inputs:
            return self.input_names()
        part = self.predicted_part
        return [f"{part}[{place}]" for place in range(len(self.splits[part]))]

    def needed_input(self) -> str:
        """Returns the `input_name` if the predicted part is empty."""
        return "" if len(self.splits[self.predicted_part]) else self.input_name

    @left_to_subclasses
    def input_names(self) -> list[str]:
        """Returns a name for each sample of `inputs`."""
