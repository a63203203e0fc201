"""Your own pictures in one folder a class, which are divided into training, validation and test."""

from pathlib import Path
from typing import Any, ClassVar

from core.errors import InputError
from core.files.home import from_home
from core.own_trainer import refuse_other_trainer
from core.terminal.printable import first_names
from datamodules.base.cache import marked
from datamodules.base.class_folders import check_data_dir, class_folders
from datamodules.base.data_module import Source
from datamodules.base.digest import digest_of
from datamodules.image_folder import ImageFolderDataModule
from datamodules.images.file_split import FileSplit
from datamodules.images.image_files import class_files, holds_pictures
from datamodules.images.normalization import Scaling
from datamodules.images.picture_folders import mean_and_std_of
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import CLASS_NAMES as SYNTHETIC_CLASSES
from datamodules.images.synthetic import synthetic_images

DRAWN = 250  # synthetic pictures


class ClassFoldersDataModule(ImageFolderDataModule):
    """Pictures in `<class>/*`, divided file by file: at random, in folds of a cross-validation, or by lists.

    By default 80 % of every class are for training, and 10 % each for validation and test. All pictures are read once,
    whatever the division. Where `data_dir` has `train/<class>/*`, its parts stay as they are: it is read as
    `ImageFolderDataModule` does.

    Args:
        data_dir: Folder of the class folders.
        source: `auto` for pictures from `data_dir`; `synthetic` for 250 generated pictures of shapes.
        val_size: Pictures for validation; a tenth of all if not given.
        test_size: Pictures for the test; a tenth of all, or the fold, if not given.
        split_seed: Seed of the division; if null, the seed of the run, so that every seed has a test of its own.
        fold: Which fold of a cross-validation is the test, from 1; the validation pictures are those that follow it.
        folds: Number of folds of a cross-validation.
        lists: Folder of `train.txt`, `val.txt` and `test.txt`, which name the pictures of each part.
        per_class: Most training pictures of each class, for learning curves.
        image_size: Height and width of the network's input, in pixels.
        normalization: How pixels are scaled, see `ImageFolderDataModule`.
        settings: Other arguments of `ImageFolderDataModule`, such as `batch_size`.

    Raises:
        InputError: Settings exclude each other, `data_dir` has no class folders, or a class has no pictures.
    """

    paths: ClassVar[tuple[str, ...]] = (*ImageFolderDataModule.paths, "lists")

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        val_size: int | None = None,
        test_size: int | None = None,
        split_seed: int | None = 0,
        fold: int | None = None,
        folds: int | None = None,
        lists: str | None = None,
        per_class: int | None = None,
        image_size: int = 224,
        normalization: Scaling = "channel",
        **settings: Any,
    ) -> None:
        self.source = source
        given = None if lists is None else from_home(lists)
        self.division = FileSplit(val_size, test_size, fold, folds, given, per_class)
        self.root = from_home(data_dir)  # of the class folders
        self._has_parts = source == "auto" and (self.root / "train").is_dir()
        super().__init__(
            data_dir,
            image_size,
            val_size=val_size if self._has_parts else None,
            split_seed=split_seed or 0,
            normalization=normalization,
            **settings,
        )
        self.split_seed = split_seed
        self._takes_seed_of_run = split_seed is None
        if self._has_parts and self.division != FileSplit(val_size):
            raise InputError(
                f"{self.root}: has a folder train, which says what to train on; leave test_size, fold, folds, lists "
                "and per_class out"
            )

    def list_files(self, root: Path) -> tuple[dict[str, list[tuple[Path, int]]], tuple[str, ...]]:
        """Lists the files and the classes, as far as they are there.

        Raises:
            InputError: There are no pictures, not in class folders, or of one class only.
        """
        if self.source == "synthetic":
            return {"train": []}, SYNTHETIC_CLASSES[:5]
        if self._has_parts:
            return super().list_files(root)
        self.root = self.find_root(root)
        classes = self._classes()
        if not classes:
            return {"train": []}, self.classes_to_fetch()
        if len(classes) < 2:
            raise InputError(f"{self.root}: at least two folders, one a class, are needed, not 1 ({classes[0]})")
        return {"train": class_files(self.root, classes, self._left_out)}, classes

    def find_root(self, data_dir: Path) -> Path:
        """Returns the folder of the class folders, which need not be there."""
        return data_dir

    def classes_to_fetch(self) -> tuple[str, ...]:
        """Returns the classes of what `read` is to fetch where there are no pictures; users' own cannot be fetched.

        Raises:
            InputError: Nothing can be fetched.
        """
        check_data_dir(self.root)
        lacks = self.empty_folders() or "no class folders in it"
        raise InputError(f"--data.data_dir {self.root}: {lacks}; pictures belong in <class>/*, one folder a class")

    def empty_folders(self) -> str:
        """Returns in words which folders hold no pictures, where none does; empty if there are no folders."""
        empty = [*class_folders(self.root)] if self.root.is_dir() else []
        return f"no pictures in {first_names(empty)}" if empty else ""

    def _classes(self) -> tuple[str, ...]:
        """Returns the names of the folders that hold pictures, which other data sets may stand beside.

        Raises:
            InputError: There are pictures, but in no folder.
        """
        if not self.root.is_dir():
            return ()
        folders = class_folders(self.root)
        classes = tuple(name for name, folder in folders.items() if holds_pictures(folder))
        if not classes and holds_pictures(self.root):
            raise InputError(f"{self.root}: its pictures are in no folder; they belong in one folder a class")
        for name in folders.keys() - set(classes):
            self._left_out.add("folders without pictures", folders[name])
        return classes

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads all pictures once, and divides them.

        Raises:
            InputError: Some cannot be read, or there are too few.
        """
        parts = super().read()
        return parts if self._has_parts else self._divide(parts["train"])

    def _divide(self, pictures: ClassifiedImages) -> dict[str, ClassifiedImages]:
        files, targets = self.read_files["train"], pictures.targets
        places = self.division.divide(files, self.root, targets, self.num_classes, self.split_seed)
        self._digest = marked(self._digest, str(digest_of(places["train"], places["val"])))
        parts = {part: pictures.take(chosen) for part, chosen in places.items()}
        if self.normalization.kind == "channel":
            self.mean, self.std = mean_and_std_of(parts["train"].images)
        return parts

    def folder_of_classes(self) -> Path:
        """Returns the folder whose folders hold the pictures of a class each."""
        return super().folder_of_classes() if self._has_parts else self.root

    def where_tests_belong(self) -> str:
        """Returns where test pictures are expected."""
        if self._has_parts:
            return super().where_tests_belong()
        lists = self.division.lists
        place = "data.test_size sets some aside" if lists is None else f"{lists / 'test.txt'} names them"
        return f"{self.data_dir}: no test pictures; {place}"

    def load_for_all(self) -> None:
        """Does nothing where the run's seed divides the pictures, which is not known before there is a trainer."""
        if not self._takes_seed_of_run:
            super().load_for_all()

    def load_once(self) -> None:
        """Loads the pictures unless they are loaded; if the run's seed divides them, again for a run of another."""
        trainer = self.trainer
        is_divided = self._takes_seed_of_run and bool(self.splits)
        if is_divided and trainer is not None and trainer.state.fn == "fit" and trainer.seed != self.split_seed:
            self.splits, self.split_seed, self._digest = {}, None, None
        super().load_once()

    def load(self) -> dict[str, ClassifiedImages]:
        """Reads or generates the pictures, and divides them, by the run's seed if no other is given."""
        if self.split_seed is None:
            refuse_other_trainer(self.trainer, f"{type(self).__name__} without a split_seed")
            self.split_seed = self.trainer.seed if self.trainer is not None else 0
        return super().load()

    def state_dict(self) -> dict[str, Any]:
        """Returns what `ImageFolderDataModule` does, and the seed of the division."""
        return super().state_dict() | {"split_seed": self.split_seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `ImageFolderDataModule` does.

        Raises:
            InputError: It refuses, or the pictures are divided in another way, so that a test would have some of those
                that the network was trained on.
        """
        trained = state_dict.get("split_seed", self.split_seed)
        if self.splits and not self.inputs and trained != self.split_seed:
            raise InputError(
                f"data.split_seed: the pictures are divided by seed {self.split_seed}, and the network was trained on "
                f"those of seed {trained}; give --data.split_seed {trained}"
            )
        super().load_state_dict(state_dict)

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Generates a few pictures, and divides them."""
        shape = {"num_classes": self.num_classes, "image_size": self.image_size, "in_channels": self.in_channels}
        self.read_files["train"] = [self.root / str(place) for place in range(DRAWN)]
        self._digest = ""
        pictures = ClassifiedImages(*synthetic_images(DRAWN, seed=1, **shape))
        self.mean, self.std = mean_and_std_of(pictures.images)
        return self._divide(pictures)
