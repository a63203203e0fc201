"""CIFAR-10: 60,000 colour pictures of 32x32 pixels in ten classes (Krizhevsky, 2009)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10

from core.errors import InputError
from core.files.download import RemoteFile, Request, download_archive
from core.terminal.console import print_line
from core.terminal.printable import first_names
from datamodules.base.cache import cached, fingerprint
from datamodules.base.class_folders import LeftOut, class_folders, part_folders
from datamodules.base.data_module import Source
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.image_files import class_files, decode
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import CLASS_NAMES as SYNTHETIC_CLASSES


class CIFAR10DataModule(ImageClassificationDataModule):
    """CIFAR-10, from torchvision's batches or class folders of pictures; downloaded if both are absent.

    `data_dir` is searched for `cifar-10-batches-py` (torchvision's files, whose integrity torchvision checks), then for
    `train/<class>/*` and `test/<class>/*` (any format that Pillow reads). Pictures are decoded once and cached there.
    The order of pictures in class folders is a fixed one that mixes the classes; only the batches have the original
    order.

    Args:
        data_dir: Folder of the data set; downloads are saved there.
        source: `auto` for the real data; `synthetic` for 12,000 generated pictures of shapes, without a download.
        classes: Names or numbers of the classes to keep, at least two, renumbered in this order; all ten if not given.
            With synthetic pictures, the corresponding shapes.
        val_size: Training images used for validation, equally many of each class; 0 trains on all. The
            number is the same with fewer classes, each of which has 5,000 images.
        settings: Arguments of `ImageDataModule`, such as `batch_size`.
    """

    name = "CIFAR-10"
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    num_classes = 10
    in_channels = 3
    image_size = 32
    train_size = 50_000
    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2470, 0.2435, 0.2616)

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        classes: list[str | int] | None = None,
        val_size: int = 5000,
        **settings: Any,
    ) -> None:
        names = SYNTHETIC_CLASSES if source == "synthetic" else self.class_names
        if source == "synthetic" and classes:  # CIFAR-10's names select the shapes of the same number
            places = dict(zip(self.class_names, names, strict=True))
            classes = [places.get(given, given) for given in classes]
        self._kept = None if classes is None else _numbers(classes, names)  # original number of each kept class
        if self._kept:
            self.num_classes, self.train_size = len(self._kept), 5000 * len(self._kept)
        super().__init__(data_dir, source, val_size=val_size, **settings)
        if self._kept:
            self.class_names = tuple(names[number] for number in self._kept)

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads torchvision's batches or class folders; downloads the batches if both are absent.

        Raises:
            InputError: The data is broken, or the download failed.
        """
        if not (self.data_dir / CIFAR10.base_folder).is_dir() and any(
            (self.data_dir / part).is_dir() for part in ("train", "test")
        ):
            return self._keep(self._read_folders())
        return self._keep(self._read_batches())

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Generates pictures; of all ten shapes first if only some classes are kept."""
        return self._keep(CIFAR10DataModule(source="synthetic").synthesize()) if self._kept else super().synthesize()

    def _keep(self, parts: dict[str, ClassifiedImages]) -> dict[str, ClassifiedImages]:
        """Keeps the images of the chosen classes, in order, and renumbers the classes."""
        if not self._kept:
            return parts
        new = torch.full((10,), -1)
        new[self._kept] = torch.arange(len(self._kept))
        kept = {}
        for name, part in parts.items():
            among = part.take(new[part.targets] >= 0)
            kept[name] = ClassifiedImages(among.images, new[among.targets])
        return kept

    def _read_folders(self) -> dict[str, ClassifiedImages]:
        self.origin = f"{self.data_dir} (class folders)"
        left_out = LeftOut(self.data_dir)
        folders = part_folders(self.data_dir, left_out)
        if "train" in folders:
            _check_classes(folders["train"])
        parts = {
            part: class_files(folders.get(part, self.data_dir / part), CIFAR10DataModule.class_names, left_out)
            for part in ("train", "test")
        }
        for line in left_out.lines():
            print_line(line)
        key = fingerprint((path for files in parts.values() for path, _ in files), self.data_dir)

        def decode_all() -> dict[str, Tensor]:
            tensors = {}
            for part, files in parts.items():
                paths, targets = zip(*files, strict=True)
                tensors[f"{part}_images"] = decode(
                    paths, self.image_size, self.in_channels, progress=f"decoding {self.name} ({part}), once"
                )
                tensors[f"{part}_targets"] = torch.tensor(targets)
            return tensors

        tensors = cached(self.data_dir / "cifar10.cache.safetensors", key, decode_all)
        return {part: ClassifiedImages(tensors[f"{part}_images"], tensors[f"{part}_targets"]) for part in parts}

    def _read_batches(self) -> dict[str, ClassifiedImages]:
        # No cache: torchvision's files hold decoded images, which are read in a second.
        self.origin = f"{self.data_dir} (torchvision's batches)"
        parts = {}
        for part in ("train", "test"):
            try:
                dataset = CIFAR10(self.data_dir, train=part == "train")
            except RuntimeError:  # absent, or a checksum differs
                self._download()
                dataset = CIFAR10(self.data_dir, train=part == "train")
            parts[part] = ClassifiedImages(torch.from_numpy(dataset.data), torch.tensor(dataset.targets))
        return parts

    def _download(self) -> None:
        damaged = (self.data_dir / CIFAR10.base_folder).is_dir()
        holds = f"a damaged {CIFAR10.base_folder}" if damaged else f"neither {CIFAR10.base_folder} nor train/ and test/"
        archive = RemoteFile(CIFAR10.filename, [CIFAR10.url], CIFAR10.tgz_md5)
        request = Request(self.data_dir, holds, self.name, self.stand_in)
        download_archive(archive, CIFAR10.base_folder, self.data_dir, request)


def _check_classes(folder: Path) -> None:
    """Checks that class folders are meant to be those of CIFAR-10.

    Raises:
        InputError: They are of other pictures.
    """
    found = class_folders(folder)
    if found and len({*CIFAR10DataModule.class_names} - found.keys()) > 1:
        raise InputError(
            f"{folder}: has the class folders {first_names(found)}, which are not those of {CIFAR10DataModule.name}; "
            "--data datamodules.ImageFolderDataModule reads pictures of any classes"
        )


def _numbers(classes: Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Returns the numbers of classes given by name or number.

    Raises:
        InputError: One is unknown or given twice, or there are fewer than two.
    """
    numbers = []
    for given in classes:
        number = names.index(given) if given in names else given
        if isinstance(given, bool) or number not in range(len(names)):
            raise InputError(f"data.classes: no class is called '{given}'; there are 0 to 9: {', '.join(names)}")
        if number in numbers:
            raise InputError(f"data.classes: '{given}' ({names[number]}) is given twice")
        numbers.append(number)
    if len(numbers) < 2:
        raise InputError(f"data.classes: at least two of {', '.join(names)} are needed, not {len(numbers)}")
    return numbers
