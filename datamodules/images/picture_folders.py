"""Pictures in class folders: which there are, and one reading of all of them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from datamodules.base.class_folders import LeftOut, check_data_dir, class_folders, part_folders
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.image_files import DIGEST, class_files, holds_pictures, read_pictures
from datamodules.images.streaming import PictureFiles

DIVIDED = "; for class folders alone, --data datamodules.ClassFoldersDataModule divides their pictures into the parts"


def list_pictures(root: Path, left_out: LeftOut) -> tuple[dict[str, list[tuple[Path, int]]], tuple[str, ...]]:
    """Lists the files of the existing parts with their classes, and the classes' names.

    Args:
        root: Folder of `train/<class>/*`, and of `val` and `test` in the same form.
        left_out: Where what is not read is noted.

    Raises:
        InputError: The folder or its `train` is missing, `train` has less than two classes, or a class is empty or
            absent in `train`.
    """
    check_data_dir(root)
    folders = part_folders(root, left_out)
    if "train" not in folders:
        of_pictures = sum(map(holds_pictures, class_folders(root).values()))
        divided = "" if folders or of_pictures < 2 else DIVIDED
        raise InputError(f"--data.data_dir {root}: no folder train in it; pictures belong in train/<class>{divided}")
    classes = tuple(class_folders(folders["train"]))
    if len(classes) < 2:
        raise InputError(
            f"{folders['train']}: at least two folders, one a class, are needed, not {len(classes)} "
            f"({', '.join(classes) or 'none'})"
        )
    files = {}
    for part, folder in folders.items():
        present = tuple(class_folders(folder))
        for name in present:
            if name not in classes:
                raise InputError(f"{folder / name}: no class of this name in {folders['train']}")
        if not present:
            raise InputError(f"{folder}: no class folders in it")
        files[part] = [(path, classes.index(present[n])) for path, n in class_files(folder, present, left_out)]
    return files, classes


class PictureReader:
    """Reads all pictures of a data set once.

    Args:
        size: Height and width that they get.
        channels: 1 for grey, 3 for colour.
        keep: Whether the pictures themselves are kept.
        skip_corrupt: Whether files that cannot be read are left out; otherwise they are an error.
        name: Name of the data set, for the progress bar.
    """

    def __init__(self, size: int, channels: int, keep: bool, skip_corrupt: bool, name: str) -> None:
        self.size = size
        self.channels = channels
        self.keep = keep
        self.skip_corrupt = skip_corrupt
        self.name = name

    def read(self, paths: Mapping[str, Sequence[Path]]) -> dict[str, Tensor]:
        """Decodes every picture.

        Pictures of 16 bits are decoded again if the training pictures among them use fewer bits.

        Args:
            paths: The files of each part.

        Returns:
            For each part, `<part>_images`, uint8 [N, H, W, C]; `<part>_good`, a mask of the readable files, bool;
            `<part>_sums`, number, sum and sum of squares of the pixels by channel, int64 [3, C]; `<part>_depths`, bits
            of each picture of 16 bits, 0 for others, int64; `<part>_transparent` and `<part>_white_is_zero`, masks,
            bool; `<part>_contents`, a digest of each readable file, uint8 [N, 16]. `bits` is the number of bits that
            pictures of 16 are read with unless they say their own, int64 [1].

        Raises:
            InputError: A file cannot be read, and is not to be left out.
        """
        tensors = self._read(paths, SIXTEEN)
        bits = int(tensors["train_depths"].max()) or SIXTEEN
        if bits < SIXTEEN:
            tensors = self._read(paths, bits)
        return tensors | {"bits": torch.tensor([bits])}

    def _read(self, paths: Mapping[str, Sequence[Path]], bits: int) -> dict[str, Tensor]:
        tensors, broken = {}, []
        for part, files in paths.items():
            good, transparent, white_is_zero = torch.zeros(3, len(files), dtype=torch.bool)
            depths = torch.zeros(len(files), dtype=torch.int64)
            contents = torch.zeros(len(files), DIGEST, dtype=torch.uint8)
            sums = torch.zeros(3, self.channels, dtype=torch.int64)
            read, room = 0, len(files) if self.keep else 0
            images = torch.empty(room, self.size, self.size, self.channels, dtype=torch.uint8)
            progress = f"reading {self.name} ({part}), once"
            options = {"resize": True, "bits": bits, "progress": progress, "digests": True}
            pictures = read_pictures(files, self.size, self.channels, **options)
            for place, picture in enumerate(pictures):
                if isinstance(picture, InputError):
                    broken.append(str(picture))
                    continue
                image = torch.from_numpy(picture.pixels)
                pixels = image.view(-1, self.channels).long()
                sums += torch.stack([torch.ones_like(pixels).sum(0), pixels.sum(0), pixels.square().sum(0)])
                if self.keep:
                    images[read] = image
                good[place], read = True, read + 1
                depths[place], transparent[place] = picture.depth, picture.transparent
                white_is_zero[place] = picture.white_is_zero
                contents[place] = torch.frombuffer(bytearray(picture.content), dtype=torch.uint8)
            tensors |= {f"{part}_images": images[:read], f"{part}_good": good, f"{part}_sums": sums}
            tensors |= {f"{part}_depths": depths, f"{part}_transparent": transparent.clone()}
            tensors |= {f"{part}_white_is_zero": white_is_zero.clone(), f"{part}_contents": contents}
        if broken and not self.skip_corrupt:
            total = sum(len(files) for files in paths.values())
            raise InputError(
                f"{broken[0]}; in all, {len(broken):,} of {total:,} files cannot be read: remove them, or leave them "
                "out by --data.skip_corrupt true"
            )
        return tensors


def mean_and_std(
    counts: Sequence[int], sums: Sequence[int], squares: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and standard deviation of each channel, in [0, 1], from exact integer sums."""
    mean = tuple(total / (255 * n) for n, total in zip(counts, sums, strict=True))
    variance = [(n * square - total**2) / n**2 for n, total, square in zip(counts, sums, squares, strict=True)]
    return mean, tuple(max(1.0, math.sqrt(value)) / 255 for value in variance)  # not 0 if all pixels are equal


def mean_and_std_of(images: Tensor | PictureFiles) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and standard deviation of each channel of pictures, uint8 [N, H, W, C], in [0, 1]."""
    sums = 0
    for places in torch.arange(len(images)).split(100):
        pixels = images[places].flatten(0, 2).long()
        sums = sums + torch.stack([torch.ones_like(pixels).sum(0), pixels.sum(0), pixels.square().sum(0)])
    return mean_and_std(*sums.tolist())


def reading(tensors: Mapping[str, Tensor], parts: Sequence[str]) -> str:
    """Returns in words how pictures are read in another way than earlier releases read them; empty if none is."""
    ways = {
        "on white": any(bool(tensors[f"{part}_transparent"].any()) for part in parts),
        "white is zero": any(bool(tensors[f"{part}_white_is_zero"].any()) for part in parts),
    }
    return " ".join(way for way, taken in ways.items() if taken)


def describe(tensors: Mapping[str, Tensor], parts: Sequence[str]) -> list[str]:
    """Returns notes for the user about pictures whose pixels are not those of the file.

    Args:
        tensors: What `PictureReader.read` has returned.
        parts: Names of the parts.
    """
    total = sum(len(tensors[f"{part}_good"]) for part in parts)
    transparent = sum(int(tensors[f"{part}_transparent"].sum()) for part in parts)
    sixteen = sum(int((tensors[f"{part}_depths"] > 0).sum()) for part in parts)
    lines = []
    if transparent:
        lines.append(f"note     {transparent:,} of {total:,} pictures are transparent: they are shown on white")
    return lines + describe_bits(sixteen, total, int(tensors["bits"]))


def trained_bits(state_dict: Mapping[str, Any], bits: int | None, folder: Path) -> int:
    """Returns the bits of pictures of 16 that a checkpoint's network was trained with.

    Args:
        state_dict: What the checkpoint holds of the data.
        bits: Bits that the pictures of 16 are read with; None if none have been read.
        folder: Where they are.

    Raises:
        InputError: They are read with others.
    """
    trained = state_dict.get("bits", SIXTEEN)  # absent in older checkpoints
    if bits not in (None, trained):
        raise InputError(
            f"{folder}: {bits} of 16 bits of its pictures are in use, and the network was trained with {trained}; "
            "train a new one"
        )
    return trained


def describe_bits(sixteen: int, total: int, bits: int) -> list[str]:
    """Returns a note for the user where pictures of 16 bits use fewer.

    Args:
        sixteen: Number of pictures of 16 bits.
        total: Number of pictures.
        bits: Bits that they are read with.
    """
    if not sixteen or bits == SIXTEEN:
        return []
    return [
        f"note     {sixteen:,} of {total:,} pictures have 16 bits, of which {bits} are in use: white is {2**bits - 1:,}"
    ]
