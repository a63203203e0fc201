"""The base of every data set: parts in memory, whole batches of them, and a place within the epoch to resume from."""

from abc import abstractmethod
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from core.errors import InputError
from core.predictions import Table
from datamodules.base.loader import Loader

Source = Literal["auto", "synthetic"]


class DataModule(LightningDataModule):
    """Parts `train`, `val` and `test`, loaded once, and a position that is kept in checkpoints.

    Args:
        data_dir: Folder or file of the data set.
        source: `auto` reads `data_dir` and downloads what is absent; `synthetic` makes data instead.
        batch_size: Samples an optimizer step, over all devices together.
        eval_batch_size: Samples a batch in validation, test and prediction; changes speed only.
    """

    name: str
    paths: ClassVar[tuple[str, ...]] = ("data_dir",)  # names of arguments that name files or folders
    changeable: ClassVar[tuple[str, ...]] = ("data_dir", "eval_batch_size")  # arguments that a continued run may change
    unit: ClassVar[str]  # what its samples are called
    stand_in: ClassVar[str]  # what its synthetic source makes
    symbols: tuple[str, ...] | None = None  # of texts, in the order of their numbers
    splits: Mapping[str, Sized]

    def __init__(self, data_dir: str, source: Source, batch_size: int, eval_batch_size: int) -> None:
        super().__init__()
        check_least(1, batch_size=batch_size, eval_batch_size=eval_batch_size)
        self.data_dir = Path(data_dir).expanduser()
        self.source = source
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.origin = f"synthetic {self.stand_in}" if source == "synthetic" else str(self.data_dir)
        self.inputs: list[str] = []  # what to predict, instead of the test set
        self.files_digest: str | None = None  # of the files that training depends on, where the data set has such
        self.splits = {}
        self._loaders: dict[str, Loader] = {}  # the latest of each split
        self._position = 0  # batch within the epoch at which a resumed run goes on

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns arguments that replace the given ones when this call uses a run's checkpoint.

        A vocabulary is one: the model's size follows from it, so that it is needed before the data set is built.

        Args:
            run: The run's folder.

        Returns:
            Values by name; empty if nothing of the run replaces an argument.
        """
        return {}

    @abstractmethod
    def load(self) -> Mapping[str, Sized]:
        """Reads, or downloads and reads, the parts `train`, `val` (which can be empty) and `test`; sets `origin`."""

    def prepare_data(self) -> None:
        """Downloads and caches on one process, so that the others find the work done."""
        if not self.inputs:
            self.load_once()

    def setup(self, stage: str) -> None:
        """Loads and splits the data; the second and later calls change nothing.

        Raises:
            InputError: The data cannot be had, or batch and split sizes do not fit it.
        """
        if not self.inputs:
            self.load_once()
        if stage == "fit" and self.batch_size > len(self.splits["train"]):
            raise InputError(
                f"data.batch_size is {self.batch_size}: larger than the {len(self.splits['train']):,} training "
                f"{self.unit}"
            )

    def load_once(self) -> None:
        """Loads the data unless that has been done."""
        if not self.splits:
            self.splits = self.load()

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples in each split."""
        return {name: len(split) for name, split in self.splits.items()}

    def save_beside(self, run: Path) -> None:
        """Writes what a run keeps of its data into the run's folder."""

    def check_weights(self, run: Path) -> None:
        """Checks that a model can start from the weights of another run on this data.

        Args:
            run: The folder of the run that the weights are of.

        Raises:
            InputError: It cannot, because its inputs mean something else.
        """

    @abstractmethod
    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns what `predict` shows.

        Args:
            names: The `prediction_names`.
            outputs: What the model makes of each of them, [N, ...].
        """

    @abstractmethod
    def prediction_names(self) -> list[str]:
        """Names of what `predict` predicts: `inputs`, or places in the test set."""

    def check_shares(self) -> None:
        """Checks that the processes can share a training batch equally.

        Raises:
            InputError: They cannot.
        """
        world_size = self.trainer.world_size
        if self.batch_size % world_size:
            raise InputError(f"data.batch_size is {self.batch_size}: {world_size} devices cannot share it equally")

    def check_enough(self, n: int, what: str) -> None:
        """Checks that n things are enough for each process to have one.

        Raises:
            InputError: They are not.
        """
        world_size = self.trainer.world_size
        if n < world_size:
            raise InputError(f"{n} {what} cannot be shared by {world_size} devices")

    def may_live_on_device(self, nbytes: int) -> bool:
        """Says whether data of this size is to be moved to the device once, and not batch by batch."""
        device = self.trainer.strategy.root_device
        return device.type == "cuda" and nbytes < torch.cuda.mem_get_info(device)[0] // 4

    def keep(self, name: str, loader: Loader) -> Loader:
        """Notes the loader of a split, and ends the one before it."""
        if name in self._loaders:
            self._loaders[name].close()
        self._loaders[name] = loader
        return loader

    def resumed(self, loader: Loader) -> Loader:
        """Sets a loader of training batches to the batch where a resumed run goes on."""
        loader.position, self._position = self._position, 0
        return loader

    def teardown(self, stage: str) -> None:
        """Ends what works for the loaders."""
        while self._loaders:
            self._loaders.popitem()[1].close()

    def on_exception(self, exception: BaseException) -> None:
        """Ends it, too, when a run ends early."""
        self.teardown("")

    def state_dict(self) -> dict[str, Any]:
        """Returns the batch within the epoch at which training continues, the splits' sizes, and a digest of files.

        The position is kept here and not in the loader, whose state Lightning loses when a schedule asks for the run's
        length.
        """
        loop = self.trainer.fit_loop
        within_epoch = loop.epoch_progress.current.started > loop.epoch_progress.current.processed
        batch = loop.epoch_loop.batch_progress.current.processed if within_epoch else 0
        state = {"batch": batch, "sizes": self.sizes}
        return state if self.files_digest is None else state | {"files": self.files_digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position of a checkpoint, if training continues from it.

        Raises:
            InputError: Training would continue on other data than that of the run.
        """
        if self.trainer.state.fn != "fit":
            return
        self._position = state_dict["batch"]
        before = state_dict.get("sizes", {})  # which older checkpoints lack
        for part, kind in (("train", "training"), ("val", "validation")):
            if part in before and before[part] != self.sizes[part]:
                raise self._changed(f"{before[part]:,} {kind} {self.unit} then, {self.sizes[part]:,} now")
        if state_dict.get("files", self.files_digest) != self.files_digest:
            raise self._changed("as many then as now, but other files")

    def _changed(self, how: str) -> InputError:
        """Returns the error of a run that would continue on other data than its own."""
        return InputError(
            f"{self.origin}: the {self.unit} have changed since this run stopped ({how}); a new run can start from its "
            "weights with --weights"
        )


def check_least(least: int, **arguments: int) -> None:
    """Checks that arguments of a data module are not below a least value.

    Raises:
        InputError: One is; names it.
    """
    for name, value in arguments.items():
        if value < least:
            raise InputError(f"data.{name} is {value}: at least {least} is needed")
