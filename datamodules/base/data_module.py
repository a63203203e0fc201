"""The base of every data set: splits, batches, and the position in an epoch at which a resumed run continues."""

from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import Tensor

from core.abstract_methods import left_to_subclasses
from core.errors import InputError
from core.files.home import from_home
from core.files.outputs import CSV
from core.kept_arguments import KeepsArguments
from core.own_trainer import refuse_other_training
from core.predictions import PredictionTable
from core.terminal.console import print_line
from datamodules.base.class_folders import OWN_FILE, refuse_file
from datamodules.base.digest import change_when_measured, difference, digest_of
from datamodules.base.lightning_base import LightningBase
from datamodules.base.loader import Loader
from datamodules.base.shared_data import keep_loaded, take_loaded
from datamodules.base.sizes import check_batch_size, check_least

Source = Literal["auto", "synthetic"]


class DataModule(KeepsArguments, LightningBase):
    """Splits `train`, `val` and `test`, loaded once, with the position in the epoch saved in checkpoints.

    Args:
        data_dir: Folder or file of the data set.
        source: `auto` reads `data_dir` and downloads missing files; `synthetic` generates data instead.
        batch_size: Samples per optimizer step, on all devices together.
        eval_batch_size: Samples per batch in validation, test and prediction; affects only speed.
    """

    name: str
    stated: ClassVar[dict[str, Any]] = {}  # arguments that a file of a run states, with what leaves them to it
    paths: ClassVar[tuple[str, ...]] = ("data_dir",)  # names of arguments that name files or folders
    changeable: ClassVar[tuple[str, ...]] = ("data_dir", "eval_batch_size")  # may differ when a run continues
    cut_by: ClassVar[tuple[str, ...]] = ()  # arguments that divide a text into other samples
    measured_alike: ClassVar[tuple[str, ...]] = ()  # others that change no figure of `validate` and `test`
    unit: ClassVar[str]  # name of its samples, such as `images`
    evaluation_unit: ClassVar[str] = ""  # name of those of validation and test, where it is another
    batch_option = "batch_size"  # the argument that says how much a training batch holds
    input_name: ClassVar[str] = "FILE"  # what `--input` takes, as the message of a run that needs one shows it
    stand_in: ClassVar[str]  # name of what `source: synthetic` makes
    single_endings: ClassVar[tuple[str, ...]] = ()  # of files that hold one prediction, not several
    own_file: ClassVar[str] = OWN_FILE  # options in place of a `data_dir` that is a file
    symbols: tuple[str, ...] | None = None  # vocabulary of texts, by number
    digests_samples: ClassVar[bool] = True  # False where a digest of files tells data from other data
    digest_is_whole: ClassVar[bool] = False  # whether that of samples does so alone, where a checkpoint has one
    splits: Mapping[str, Sized]

    def __init__(self, data_dir: str, source: Source, batch_size: int, eval_batch_size: int) -> None:
        super().__init__()
        check_least(1, batch_size=batch_size, eval_batch_size=eval_batch_size)
        self.data_dir = from_home(data_dir)
        if source != "synthetic":  # before a download into it is tried
            refuse_file(data_dir, self.own_file)
        self.source = source
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.origin = f"synthetic {self.stand_in}" if source == "synthetic" else str(self.data_dir)
        self.inputs: list[str] = []  # files or texts to predict instead of the test set
        self.unread: dict[int, str] = {}  # why one of `prediction_names` cannot be read, by its place
        self.input_notes: list[str] = []  # lines for the user about `inputs`
        self.changed: str | None = None  # how data differs from that of the checkpoint that is measured, if it does
        self.files_digest: str | None = None  # digest of the files that training depends on, if there are any
        self._digest: str | None = None  # of the samples, or of their files' bytes, once it has been taken
        self.splits = {}
        self._loaders: dict[str, Loader] = {}  # the current loader of each split
        self._resumed: Loader | None = None  # the latest training loader
        self._position = 0  # batch in the epoch at which a resumed run continues

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns arguments that replace the given ones when a command uses a run's checkpoint.

        An example is the vocabulary: it determines the model's size, so it is needed before the data set is built.

        Args:
            run: The run's folder.

        Returns:
            Values by name; empty if none is replaced.
        """
        return {}

    @left_to_subclasses
    def load(self) -> Mapping[str, Sized]:
        """Reads the splits `train`, `val` (which can be empty) and `test`, with a download if needed; sets `origin`."""

    def prepare_data(self) -> None:
        """Downloads and caches the data on one process, before the others read it."""
        refuse_other_training(self.trainer, type(self).__name__)
        if not self.inputs:
            self.load_once()

    def setup(self, stage: str) -> None:
        """Loads and splits the data; later calls do nothing.

        Raises:
            InputError: The data is missing or broken, batch or split sizes are too large for it, or Lightning's own
                trainer is to train.
        """
        refuse_other_training(self.trainer, type(self).__name__)
        if not self.inputs:
            self.load_once()
        if stage == "fit" and self.batch_option == "batch_size":
            check_batch_size(self.batch_size, len(self.splits["train"]), self.unit)

    def load_once(self) -> None:
        """Loads the data unless it is loaded already, by this process or by the one that it was forked from."""
        if not self.splits and not take_loaded(self):
            self.splits = self.load()

    def load_for_all(self) -> None:
        """Loads the data, and keeps it for others with the same arguments, in this process and in forked ones.

        Kept are the attributes that `load` sets, but nothing that it changes within an object that was there before.
        There is no trainer yet: a data set of which a part follows from the run's seed must leave this out.
        """
        before = dict(vars(self))
        self.load_once()
        self.facts()  # whose digest takes a while, too
        keep_loaded(self, before)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples in each split."""
        return {name: len(split) for name, split in self.splits.items()}

    def save_beside(self, run: Path) -> None:
        """Writes files about the data, such as a vocabulary, into the run's folder."""

    def check_weights(self, run: Path) -> None:
        """Checks that the weights of another run fit this data.

        Args:
            run: The folder of the other run.

        Raises:
            InputError: They do not, because the inputs had another meaning there.
        """

    @left_to_subclasses
    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns the table of predictions that `predict` prints and writes.

        Args:
            names: The `prediction_names`.
            outputs: The model's output for each of them, [N, ...].
        """

    def prediction_endings(self) -> tuple[str, ...]:
        """Returns how a file of predictions may end: `.csv`, and the other forms of `prediction_table`."""
        return (CSV,)

    @left_to_subclasses
    def prediction_names(self) -> list[str]:
        """Returns the names of the predicted samples: `inputs`, or their indices in the test set."""

    def needed_input(self) -> str:
        """Returns the `input_name` if `predict` has no samples without `--input`; nothing if it has."""
        return ""

    def notes_on_inputs(self) -> list[str]:
        """Returns lines for the user about `inputs`, after they have been predicted."""
        return self.input_notes

    def check_shares(self) -> None:
        """Checks that a training batch can be divided equally among the processes.

        Raises:
            InputError: It cannot.
        """
        world_size = self.trainer.world_size
        if self.batch_size % world_size:
            raise InputError(
                f"data.batch_size is {self.batch_size}: it cannot be divided equally among {world_size} devices"
            )

    def check_enough(self, n: int, what: str) -> None:
        """Checks that there is at least one item for each process.

        Args:
            n: Number of items.
            what: Name of the items, for the message.

        Raises:
            InputError: There is not.
        """
        world_size = self.trainer.world_size
        if n < world_size:
            raise InputError(f"{world_size} devices need at least {world_size} {what}, not {n}")

    def keep(self, name: str, loader: Loader) -> Loader:
        """Stores the loader of a split, and closes the previous one."""
        if name in self._loaders:
            self._loaders[name].close()
        self._loaders[name] = loader
        return loader

    def resumed(self, loader: Loader) -> Loader:
        """Sets a training loader to the batch at which a resumed run continues, and to what `overfit_batches` asks.

        Lightning may ask for more loaders than it uses: the place is given up once a batch has been drawn.
        """
        if self._resumed is not None:
            self._position = self._resumed.position
        self._resumed, loader.position = loader, self._position
        loader.repeats = bool(self.trainer.overfit_batches)
        return loader

    def teardown(self, stage: str) -> None:
        """Closes all loaders, which ends their worker processes."""
        self._resumed, self._position = None, 0
        while self._loaders:
            self._loaders.popitem()[1].close()

    def on_exception(self, exception: BaseException) -> None:
        """Closes all loaders when a run ends with an exception."""
        self.teardown("")

    def state_dict(self) -> dict[str, Any]:
        """Returns the batch in the epoch at which training continues, and what tells this data from other data.

        The position is saved here and not in the loader, because Lightning loses a loader's state when a schedule needs
        the length of the run.
        """
        loop = self.trainer.fit_loop
        within_epoch = loop.epoch_progress.current.started > loop.epoch_progress.current.processed
        batch = loop.epoch_loop.batch_progress.current.processed if within_epoch else 0
        return {"batch": batch} | self.facts()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position of a checkpoint, if training continues from it; else says whether data has changed.

        Raises:
            InputError: The data has changed since the run stopped.
        """
        if self.trainer.state.fn == "fit":
            self._position, self._resumed = state_dict["batch"], None
            if how := difference(state_dict, self.facts(), self.unit, self.digest_is_whole):
                way_out = "a run goes on with its own data, but a new one can start from its weights with --weights"
                raise InputError(f"{self.origin}: {how}; {way_out}")
        elif self.splits and not self.inputs:
            facts = state_dict, self.facts()
            self.changed = change_when_measured(*facts, self.unit, self.cut_by, self.digest_is_whole)
            if self.changed:
                print_line(f"note     {self.origin}: {self.changed}; it may have learned some of validation and test")

    def facts(self) -> dict[str, Any]:
        """Returns what tells the data of training and validation from other data."""
        if self._digest is None and self.digests_samples:
            self._digest = digest_of(*(self.splits[part] for part in ("train", "val") if part in self.splits))
        facts = {"sizes": self.sizes, "batch_size": self.batch_size, "content": self._digest}
        facts |= {name: getattr(self, name) for name in self.cut_by}
        return facts if self.files_digest is None else facts | {"files": self.files_digest}
