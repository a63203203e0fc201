"""Division of classified pictures into training, validation and test, where their folder has no such parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.errors import InputError
from core.files.input_files import decode_text, read_file
from datamodules.base.named_paths import NamedPaths
from datamodules.base.sizes import check_least
from datamodules.base.split import PARTS
from datamodules.base.splitting import stratified_order


@dataclass(frozen=True)
class FileSplit:
    """How pictures are divided: at random with every class in proportion, in folds of a cross-validation, or by lists.

    Args:
        val_size: Pictures for validation; a tenth of all if not given.
        test_size: Pictures for the test; a tenth of all, or the fold, if not given.
        fold: Which of the folds is the test, from 1.
        folds: Number of equal parts, of which each is the test once; None for no cross-validation.
        lists: Folder with `train.txt`, `val.txt` and `test.txt`, of which one or the other of the last two may be
            absent: names of pictures, one a line, as `class/name`, with any ending or none where that is clear.
        per_class: Most training pictures of each class; the same ones are among those of a larger number.

    Raises:
        InputError: The settings exclude each other, or a number is out of range.
    """

    val_size: int | None = None
    test_size: int | None = None
    fold: int | None = None
    folds: int | None = None
    lists: Path | None = None
    per_class: int | None = None

    def __post_init__(self) -> None:
        sizes = {"val_size": self.val_size, "test_size": self.test_size}
        check_least(0, **{name: size for name, size in sizes.items() if size is not None})
        if self.per_class is not None:
            check_least(1, per_class=self.per_class)
        if (self.fold is None) != (self.folds is None):
            raise InputError("data.fold and data.folds: give both, such as --data.fold 2 --data.folds 5, or none")
        if self.folds is not None:
            check_least(2, folds=self.folds)
            if not 1 <= self.fold <= self.folds:
                raise InputError(f"data.fold is {self.fold}: there are 1 to {self.folds}")
            if self.test_size is not None:
                raise InputError("data.test_size: of a cross-validation the fold is the test; leave it out")
        if self.lists is not None and (self.folds, self.val_size, self.test_size) != (None, None, None):
            raise InputError("data.lists: they say what is in each part; leave folds and sizes out")

    def divide(
        self, files: Sequence[Path], root: Path, targets: Tensor, num_classes: int, seed: int
    ) -> dict[str, Tensor]:
        """Divides pictures.

        Args:
            files: The files, in a fixed order.
            root: Folder of the class folders.
            targets: Their classes, int64 [N].
            num_classes: Number of classes.
            seed: Seed of the choice.

        Returns:
            Places of the pictures of `train`, `val` and `test`, int64, each in the order of `files`.

        Raises:
            InputError: There are too few pictures, or a list names others.
        """
        order = stratified_order(targets, num_classes, seed)
        parts = self._by_lists(files, root) if self.lists is not None else self._by_order(order)
        if self.per_class is not None:
            parts["train"] = _first_of_each(parts["train"], order, targets, num_classes, self.per_class)
        if 0 in targets[parts["train"]].bincount(minlength=num_classes):
            why = f"{len(files):,} pictures are too few" if self.lists is None else f"{self.lists / 'train.txt'}"
            raise InputError(f"{root}: {why}: a class has none left to train on")
        return {part: parts[part].sort().values for part in PARTS}

    def _by_order(self, order: Tensor) -> dict[str, Tensor]:
        n = len(order)
        test, first = n // 10 if self.test_size is None else self.test_size, 0
        if self.folds is not None:
            if n < self.folds:
                raise InputError(f"data.folds is {self.folds}: more than the {n:,} pictures")
            first = (self.fold - 1) * n // self.folds
            test = self.fold * n // self.folds - first
        val = n // 10 if self.val_size is None else self.val_size
        if val + test >= n:
            raise InputError(f"data.val_size and data.test_size: {val:,} + {test:,} of {n:,} pictures leave none")
        rolled = order.roll(-first)
        return {"test": rolled[:test], "val": rolled[test : test + val], "train": rolled[test + val :]}

    def _by_lists(self, files: Sequence[Path], root: Path) -> dict[str, Tensor]:
        places = {path.relative_to(root).as_posix(): place for place, path in enumerate(files)}
        paths = NamedPaths(places, anywhere=False)
        taken: dict[str, str] = {}
        parts = {}
        for part in PARTS:
            path = self.lists / f"{part}.txt"
            if not path.exists() and part != "train":
                parts[part] = torch.empty(0, dtype=torch.int64)
                continue
            try:
                lines = decode_text(read_file(path)).splitlines()
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: not UTF-8; convert it, for example with iconv") from error
            names = [line.strip() for line in lines if line.strip()]
            chosen = []
            for name in names:
                found = paths.find(name)[1]
                if not found:
                    raise InputError(f"{path}: {name} is no picture in {root}")
                if len(found) > 1:
                    raise InputError(f"{path}: {name} could be {' or '.join(found)} in {root}; give its ending, too")
                if found[0] in taken:
                    raise InputError(f"{path}: {name} stands in {taken[found[0]]} already")
                taken[found[0]] = path.name
                chosen.append(places[found[0]])
            parts[part] = torch.tensor(chosen, dtype=torch.int64)
        return parts


def _first_of_each(places: Tensor, order: Tensor, targets: Tensor, num_classes: int, most: int) -> Tensor:
    """Returns the places of the first samples of each class, by their order."""
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    places = places[rank[places].argsort()]
    return torch.cat([places[targets[places] == number][:most] for number in range(num_classes)])
