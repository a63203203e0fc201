"""SVHN: street view house numbers, 32x32 pixels in colour around one digit (Netzer et al., 2011)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import SVHN

from core.code.installed import installs
from core.errors import InputError
from core.files.download import RemoteFile, Request, download_files
from core.files.input_files import RATIO, check_regular
from datamodules.base.data_module import Source
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.splits import ClassifiedImages

VERSION_5 = b"MATLAB 5.0 MAT-file"  # how such a file begins; others need other readers
ZERO = 10  # label of the digit 0, as MATLAB counts from 1


class SVHNDataModule(ImageClassificationDataModule):
    """SVHN's cropped digits, from the original files `train_32x32.mat` and `test_32x32.mat`; downloaded if absent.

    Reading them needs SciPy: pip install -e '.[svhn]'.

    Args:
        data_dir: Folder of the files; downloads are saved there.
        source: `auto` for the real data; `synthetic` for 12,000 generated pictures of shapes, without a download.
        val_size: Training images used for validation, of each class in proportion; 0 trains on all.
        settings: Arguments of `ImageDataModule`, such as `batch_size`.
    """

    name = "SVHN"
    class_names = tuple("0123456789")
    num_classes = 10
    in_channels = 3
    image_size = 32
    train_size = 73_257
    mean = (0.4377, 0.4438, 0.4728)
    std = (0.1980, 0.2010, 0.1970)

    def __init__(self, data_dir: str = "data", source: Source = "auto", val_size: int = 5000, **settings: Any) -> None:
        super().__init__(data_dir, source, val_size=val_size, **settings)

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads both files; downloads those that are absent.

        Raises:
            InputError: SciPy is missing, a file is broken, or the download failed.
        """
        self.origin = str(self.data_dir)
        files = [RemoteFile(name, [url], md5) for url, name, md5 in (SVHN.split_list[part] for part in PARTS)]
        absent = [file for file in files if not (self.data_dir / file.name).exists()]
        if absent:
            holds = f"no {' and no '.join(file.name for file in absent)}"
            download_files(absent, self.data_dir, Request(self.data_dir, holds, self.name, self.stand_in))
        return {part: read_digits(self.data_dir / SVHN.split_list[part][1]) for part in PARTS}


PARTS = ("train", "test")


def read_digits(path: Path) -> ClassifiedImages:
    """Reads a file of cropped digits.

    What it holds is known from its headers before any of it is unpacked, so that a file with surprises takes no memory.

    Args:
        path: A MATLAB file of version 5 with `X`, uint8 [32, 32, 3, N], and `y`, labels 1 to 10 [N, 1]; 10 is digit 0.

    Raises:
        InputError: SciPy is missing, or the file is another.
    """
    try:
        from scipy.io import loadmat, whosmat
    except ImportError as error:
        raise InputError(f"SVHN: reading its .mat files needs SciPy; {installs('svhn')}") from error
    check_regular(path)
    try:
        with open(path, "rb") as file:
            if file.read(len(VERSION_5)) != VERSION_5:
                raise _broken(path, "no MATLAB file of version 5")
        held = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        count = _count(path, held)
        if count * 32 * 32 * 3 > RATIO * path.stat().st_size:
            raise _broken(path, f"it announces {count:,} pictures, more than it can hold")
        content = loadmat(path, variable_names=["X", "y"])
    except InputError:
        raise
    except Exception as error:  # in whatever way SciPy stumbles over bytes that MATLAB did not write
        raise _broken(path, f"cannot be read ({error})") from error
    images, labels = content["X"], content["y"].reshape(-1)
    if images.dtype != "uint8" or images.shape != (32, 32, 3, count) or len(labels) != count:
        raise _broken(path, "its content is not what its headers announce")
    if labels.dtype.kind not in "iuf":
        raise _broken(path, "its labels are no numbers")
    with np.errstate(invalid="ignore"):  # of labels that are no whole numbers
        targets = torch.from_numpy(labels.astype("int64"))
    if targets.min() < 1 or targets.max() > ZERO or not (targets.numpy() == labels).all():
        raise _broken(path, f"a label is {labels.min()} or {labels.max()}, where 1 to {ZERO} are expected")
    pixels: Tensor = torch.from_numpy(images).permute(3, 0, 1, 2).contiguous()
    return ClassifiedImages(pixels, targets % ZERO)


def _count(path: Path, held: dict[str, tuple[tuple[int, ...], str]]) -> int:
    """Returns the number of digits by the headers of a file.

    Raises:
        InputError: It does not hold images and labels of one number.
    """
    if not {"X", "y"} <= held.keys():
        raise _broken(path, f"it holds {', '.join(held) or 'nothing'}, where X and y are expected")
    (shape, kind), (shape_of_labels, kind_of_labels) = held["X"], held["y"]
    if kind != "uint8" or len(shape) != 4 or shape[:3] != (32, 32, 3) or not shape[3]:
        raise _broken(path, f"X is {kind} {list(shape)}, where uint8 [32, 32, 3, N] is expected")
    if kind_of_labels not in ("uint8", "double", "int64") or sorted(shape_of_labels) != sorted((1, shape[3])):
        raise _broken(path, f"y is {kind_of_labels} {list(shape_of_labels)}, where [{shape[3]}, 1] is expected")
    return shape[3]


def _broken(path: Path, reason: str) -> InputError:
    return InputError(f"{path}: {reason}; delete it and the right one will be downloaded")
