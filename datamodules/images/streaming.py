"""Pictures decoded from disk on demand, for data sets larger than memory."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from core.errors import InputError
from core.processes.memory import available_memory
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.image_files import decode, read_pictures

UNKNOWN_MEMORY = 4 * 2**30  # bytes that are assumed to be available where the system does not say it


class PictureFiles:
    """A store of images on disk, indexed like a tensor [N, H, W, C]: indexing decodes the pictures.

    Args:
        paths: The files.
        size: Height and width; pictures of another size are resized and center-cropped.
        channels: 1 for grey, 3 for colour.
        num_workers: Processes in which a loader decodes in advance; 0 decodes in the main process.
        bits: Bits of pictures of 16 that hold values.
    """

    device = torch.device("cpu")
    nbytes = None  # on disk

    def __init__(self, paths: Sequence[Path], size: int, channels: int, num_workers: int, bits: int = SIXTEEN) -> None:
        self.paths = paths
        self.size = size
        self.channels = channels
        self.num_workers = num_workers
        self.bits = bits

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Tensor | Sequence[int] | slice) -> Tensor:
        """Decodes some pictures.

        Args:
            index: Their indices, as for a tensor.

        Returns:
            uint8 [B, H, W, C].
        """
        threads = 1 if get_worker_info() else None  # the workers use all cores already
        return decode(self.take(index).paths, self.size, self.channels, True, self.bits, threads=threads)

    def take(self, index: Tensor | Sequence[int] | slice) -> "PictureFiles":
        """Returns a selection of the pictures, without decoding them."""
        places = torch.arange(len(self))[index].tolist()
        paths = [self.paths[place] for place in places]
        return PictureFiles(paths, self.size, self.channels, self.num_workers, self.bits)

    def to(self, device: torch.device) -> "PictureFiles":
        """Returns itself, because pictures on disk are decoded on the CPU."""
        return self


class InputPictures(PictureFiles):
    """Pictures to predict, of which some may be unreadable: these are black.

    Args:
        paths: The files.
        size: Height and width.
        channels: 1 for grey, 3 for colour.
        bits: Bits of pictures of 16 that hold values.
        invert: Whether each picture's negative is taken.

    Attributes:
        unread: Why a picture cannot be read, by its place.
        means: Mean of the pixels of each picture that has been read, in [0, 1].
        depths: Bits in use in each picture of 16 bits that does not say how many they are.
    """

    def __init__(self, paths: Sequence[Path], size: int, channels: int, bits: int, invert: bool) -> None:
        super().__init__(paths, size, channels, 0, bits)
        self.invert = invert
        self.unread: dict[int, str] = {}
        self.means: list[float] = []
        self.depths: list[int] = []

    def __getitem__(self, index: Sequence[int]) -> Tensor:
        """Decodes the pictures of one batch, whose places are given."""
        paths = [self.paths[place] for place in index]
        images = torch.zeros(len(paths), self.size, self.size, self.channels, dtype=torch.uint8)
        pictures = read_pictures(paths, self.size, self.channels, True, self.bits)
        for place, image, picture in zip(index, images, pictures, strict=True):
            if isinstance(picture, InputError):
                self.unread[place] = str(picture)
                continue
            pixels = torch.from_numpy(picture.pixels)
            image.copy_(255 - pixels if self.invert else pixels)
            self.means.append(float(image.float().mean()) / 255)
            if picture.depth and not picture.stated:
                self.depths.append(picture.depth)
        return images


def fits_in_memory(pictures: int, image_size: int, channels: int, processes: int) -> bool:
    """Returns whether pictures, of which each process holds all, take at most half of the memory that is free.

    Args:
        pictures: Number of pictures.
        image_size: Height and width in pixels.
        channels: Number of channels.
        processes: Number of processes.
    """
    available = available_memory()
    return pictures * image_size**2 * channels * processes <= (UNKNOWN_MEMORY if available is None else available) // 2
