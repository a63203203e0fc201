"""MNIST: 70,000 handwritten digits of 28x28 grey pixels (LeCun, Bottou, Bengio and Haffner, 1998), and two sets in its
form: Fashion-MNIST, pieces of clothing (Xiao, Rasul and Vollgraf, 2017, arXiv 1708.07747), and KMNIST, old Japanese
characters (Clanuwat et al., 2018, arXiv 1812.01718).
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.datasets import KMNIST, MNIST, FashionMNIST

from core.errors import InputError
from core.files.download import RemoteFile, Request, download_files
from core.files.input_files import read_file
from core.terminal.console import print_line
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.splits import ClassifiedImages


@dataclass(frozen=True)
class Variant:
    """Facts of one data set in MNIST's format; torchvision's class has addresses and checksums of its files."""

    name: str
    dataset: type[MNIST]
    class_names: tuple[str, ...]
    mean: float
    std: float
    handwritten: bool = True


CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
SYLLABLES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
VARIANTS = {
    "mnist": Variant("MNIST", MNIST, tuple("0123456789"), 0.1307, 0.3081),
    "fashion": Variant("Fashion-MNIST", FashionMNIST, CLOTHES, 0.2860, 0.3530, handwritten=False),
    "kmnist": Variant("KMNIST", KMNIST, SYLLABLES, 0.1918, 0.3483),
}
DISTORTED = (
    "note     data.augmentation turns and distorts as handwriting varies, which {} does not: "
    "--data.augmentation null --data.augmentation.flip random after --config suits it better"
)
FILE_PREFIXES = {"train": "train", "test": "t10k"}  # of the names of their files
FILE_SIZE = 28  # height and width of the images in the files
PIECE = 1000  # images that are resized at a time


class MNISTDataModule(ImageClassificationDataModule):
    """MNIST, Fashion-MNIST or KMNIST, from the original files; downloaded if these are absent.

    The four files, gzipped or not, are searched for in `data_dir/MNIST/raw` (`FashionMNIST`, `KMNIST`: torchvision's
    layout), in `data_dir/raw` and in `data_dir` itself.

    Args:
        data_dir: Folder of the data set; downloads are saved there.
        source: `auto` for the real data; `synthetic` for 12,000 generated pictures of shapes, without a download.
        variant: Which data set.
        val_size: Training images used for validation; 0 trains on all 60,000.
        val_split: Which images: `stratified` chooses equally many of each class; `first` uses the first in file order,
            as TensorFlow's MNIST reader does.
        split_seed: Seed of the stratified choice, separate from the run's seed so that all runs use the same split.
        image_size: Height and width of the images, to which those of 28 pixels are resized (bicubic).
        settings: Arguments of `ImageDataModule`, such as `batch_size`.
    """

    num_classes = 10
    in_channels = 1
    image_size = 28
    train_size = 60_000

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        variant: Literal["mnist", "fashion", "kmnist"] = "mnist",
        val_size: int = 5000,
        val_split: Literal["stratified", "first"] = "stratified",
        split_seed: int = 0,
        image_size: int = 28,
        **settings: Any,
    ) -> None:
        check_least(8, image_size=image_size)
        facts = VARIANTS[variant]
        self.image_size = image_size
        self.name, self.dataset, self.class_names = facts.name, facts.dataset, facts.class_names
        self.mean, self.std = (facts.mean,), (facts.std,)
        self.handwritten = facts.handwritten
        self.val_split = val_split
        super().__init__(data_dir, source, val_size=val_size, split_seed=split_seed, **settings)

    def setup(self, stage: str) -> None:
        """Loads and splits the data; says so if pictures are to vary in training as they do not."""
        super().setup(stage)
        if stage == "fit" and self.source == "auto" and self.augmentation.distorts and not self.handwritten:
            print_line(DISTORTED.format(self.name))

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads the four files; downloads those that are absent.

        Raises:
            InputError: The data is broken, or the download failed.
        """
        folder = self._folder()
        self.origin = str(folder)
        absent = [name for name, _ in self.dataset.resources if _find(folder, name) is None]
        if absent:
            self._download(folder, absent)
        parts = {}
        for part, prefix in FILE_PREFIXES.items():
            path = _find(folder, f"{prefix}-images-idx3-ubyte.gz")
            images = _read_idx(path, dims=3)
            if images.shape[1:] != (FILE_SIZE, FILE_SIZE):
                raise InputError(f"{path}: images of {images.shape[1]}x{images.shape[2]} pixels, not 28x28")
            path = _find(folder, f"{prefix}-labels-idx1-ubyte.gz")
            targets = _read_idx(path, dims=1)
            if len(targets) != len(images):
                raise InputError(f"{path}: {len(targets):,} labels, where there are {len(images):,} images")
            if len(targets) and targets.max() >= self.num_classes:
                raise InputError(f"{path}: a label is {targets.max()}, where 0 to {self.num_classes - 1} are expected")
            parts[part] = ClassifiedImages(self._resized(images[..., None]), targets.long())
        return parts

    def split_off(self, part: ClassifiedImages, val_size: int) -> tuple[ClassifiedImages, ClassifiedImages]:
        """Splits by class or by position."""
        if self.val_split == "stratified":
            return super().split_off(part, val_size)
        first = torch.arange(len(part)) < val_size
        return part.take(~first), part.take(first)

    def _resized(self, images: Tensor) -> Tensor:
        """Returns images [N, 28, 28, 1] in the size that is asked for."""
        if self.image_size == FILE_SIZE:
            return images
        size = (self.image_size, self.image_size)
        resized = [
            interpolate(part.permute(0, 3, 1, 2), size, mode="bicubic", antialias=True) for part in images.split(PIECE)
        ]
        return torch.cat(resized).permute(0, 2, 3, 1).contiguous()

    def _folder(self) -> Path:
        """Returns the first folder that holds any of the files, or else the download folder."""
        standard = self.data_dir / self.dataset.__name__ / "raw"
        others = {variant.dataset.__name__ for variant in VARIANTS.values()} - {self.dataset.__name__}
        for folder in (standard, self.data_dir / "raw", self.data_dir):
            named = folder.resolve()  # file names are equal: only the folder's name tells the data sets apart
            if others.isdisjoint((named.name, named.parent.name)) and any(
                _find(folder, name) for name, _ in self.dataset.resources
            ):
                return folder
        return standard

    def _download(self, folder: Path, names: list[str]) -> None:
        checksums = dict(self.dataset.resources)
        files = [
            RemoteFile(name, [f"{mirror}{name}" for mirror in self.dataset.mirrors], checksums[name]) for name in names
        ]
        holds = f"no {', '.join(name.removesuffix('.gz') for name in names)}" if folder.is_dir() else f"no {self.name}"
        download_files(files, folder, Request(self.data_dir, holds, self.name, self.stand_in))


def _find(folder: Path, name: str) -> Path | None:
    """Returns the path of the unpacked file, or else of the gzipped one; None if both are absent."""
    return next((path for path in (folder / name.removesuffix(".gz"), folder / name) if path.is_file()), None)


def _read_idx(path: Path, dims: int) -> Tensor:
    """Reads a file of bytes in IDX format, that of MNIST.

    Args:
        path: The file, gzipped if its name ends in .gz.
        dims: Expected number of dimensions.

    Returns:
        uint8, of the shape in the file's header.

    Raises:
        InputError: The file is broken; the message names it.
    """
    try:
        content = read_file(path)
    except InputError as error:
        raise InputError(f"{error}; delete it and it will be downloaded") from error
    header = 4 * (1 + dims)  # the magic number, then the sizes, big-endian
    if len(content) < header or content[:4] != bytes((0, 0, 8, dims)):
        raise InputError(f"{path}: no MNIST file; delete it and the right one will be downloaded")
    shape = struct.unpack_from(f">{dims}I", content, 4)
    if 0 in shape[1:]:
        raise InputError(f"{path}: no MNIST file; delete it and the right one will be downloaded")
    if len(content) != header + math.prod(shape):
        raise InputError(
            f"{path}: holds {len(content) - header:,} bytes of data, where its header announces {math.prod(shape):,}; "
            f"delete it and it will be downloaded"
        )
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[header:].view(shape)
