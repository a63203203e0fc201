"""What the preprocessing of images is compared with: torchvision's data sets and transforms, and kornia's."""

from collections.abc import Callable, Iterable

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as v1
from torchvision.transforms import v2

from benchmarks.timer import CPU
from datamodules import CIFAR10DataModule
from datamodules.images.splits import ClassifiedImages

MEAN, STD = CIFAR10DataModule.mean, CIFAR10DataModule.std
PADDING, BRIGHTNESS, CONTRAST = 4, 0.25, (0.2, 1.8)


class Pictures(Dataset):
    """Samples of one PIL image each, as `torchvision.datasets.CIFAR10` gives it.

    Args:
        split: The pictures in memory.
        transform: Turns one into a tensor.
    """

    def __init__(self, split: ClassifiedImages, transform: Callable[[Image.Image], Tensor]) -> None:
        self.data, self.targets, self.transform = split.images.numpy(), split.targets.tolist(), transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.data[place])), self.targets[place]


class Kornia:
    """Epochs of kornia's augmentation of whole batches.

    Args:
        split: The pictures.
        case: Key of AUGMENTATIONS.
        batch_size: Pictures a batch.
        device: Where they are kept and changed.
    """

    def __init__(self, split: ClassifiedImages, case: str, batch_size: int, device: torch.device = CPU) -> None:
        from kornia import augmentation as kornia

        split = split.to(device)
        self.images = split.images.permute(0, 3, 1, 2).float() / 255  # as ToTensor returns
        self.targets, self.batch_size = split.targets, batch_size
        changes = {
            # the faster of its two ways to crop
            "crop": [kornia.RandomCrop(split.images.shape[1:3], padding=PADDING, cropping_mode="resample")],
            "colour": [kornia.ColorJiggle(brightness=BRIGHTNESS, contrast=CONTRAST, p=1.0)],
        }
        self.augmentation = nn.Sequential(
            kornia.RandomHorizontalFlip(), *changes[case], kornia.Normalize(torch.tensor(MEAN), torch.tensor(STD))
        ).to(device)

    def epoch(self) -> Iterable[tuple[Tensor, Tensor]]:
        """Yields the batches of an epoch, without the incomplete last one."""
        order = torch.randperm(len(self.targets)).to(self.targets.device)
        for index in order.split(self.batch_size)[: len(self.targets) // self.batch_size]:
            yield self.augmentation(self.images[index]), self.targets[index]


def torchvision_transform(case: str, version: int) -> Callable[[Image.Image], Tensor]:
    """Returns the transforms of the usual script; version 2 on PIL images, too, where it is faster than on tensors."""
    lib = v1 if version == 1 else v2
    changes = {
        "crop": [lib.RandomCrop(CIFAR10DataModule.image_size, padding=PADDING)],
        "colour": [lib.ColorJitter(brightness=BRIGHTNESS, contrast=CONTRAST)],
    }
    to_tensor = [v1.ToTensor()] if version == 1 else [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return lib.Compose([lib.RandomHorizontalFlip(), *changes[case], *to_tensor, lib.Normalize(MEAN, STD)])


def moved(loader: DataLoader, device: torch.device) -> Iterable[tuple[Tensor, Tensor]]:
    """Yields a loader's batches on a GPU, to which they are copied as the program goes on."""
    for images, targets in loader:
        yield images.to(device, non_blocking=True), targets.to(device, non_blocking=True)
