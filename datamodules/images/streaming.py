"""Pictures decoded from disk on demand, for data sets larger than memory."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from datamodules.images.image_files import decode

UNKNOWN_MEMORY = 4 * 2**30  # bytes that are assumed to be available if the system does not report it


class PictureFiles:
    """A store of images on disk, indexed like a tensor [N, H, W, C]: indexing decodes the pictures.

    Args:
        paths: The files.
        size: Height and width; pictures of another size are resized and center-cropped.
        channels: 1 for grey, 3 for colour.
        num_workers: Processes in which a loader decodes in advance; 0 decodes in the main process.
    """

    device = torch.device("cpu")
    nbytes = None  # on disk

    def __init__(self, paths: Sequence[Path], size: int, channels: int, num_workers: int) -> None:
        self.paths = paths
        self.size = size
        self.channels = channels
        self.num_workers = num_workers

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
        return decode(self.take(index).paths, self.size, self.channels, resize=True, threads=threads)

    def take(self, index: Tensor | Sequence[int] | slice) -> "PictureFiles":
        """Returns a selection of the pictures, without decoding them."""
        places = torch.arange(len(self))[index].tolist()
        return PictureFiles([self.paths[place] for place in places], self.size, self.channels, self.num_workers)

    def to(self, device: torch.device) -> "PictureFiles":
        """Returns itself, because pictures on disk are decoded on the CPU."""
        return self


def available_memory() -> int:
    """Returns the available memory in bytes; 4 GiB where it is unknown (outside Linux)."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return UNKNOWN_MEMORY
