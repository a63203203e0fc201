"""What the parts of the benchmark of GPUs are given, and where they note what they find."""

import json
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import data_settings
from core.files.atomic_files import write_atomically
from datamodules import CIFAR10DataModule, MNISTDataModule
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.splits import ClassifiedImages
from datamodules.images.synthetic import synthetic_images

FEW = 200  # pictures of a quick trial


@dataclass(frozen=True)
class Settings:
    """The options of the benchmark.

    Attributes:
        device: What computes.
        quick: Whether sizes are tiny, to try the benchmark itself.
        runs: Runs of the speedrun, each with a seed of its own.
        pairs: Turns of the other parts.
        data_dir: Folder of CIFAR-10; synthetic pictures if not given.
        mnist_dir: Folder of MNIST, likewise.
        peer_script: The speedrun's peer.
        more: More settings of the speedrun's runs.
    """

    device: torch.device
    quick: bool = False
    runs: int = 10
    pairs: int = 3
    data_dir: Path | None = None
    mnist_dir: Path | None = None
    peer_script: Path | None = None
    more: str = ""

    @classmethod
    def of(cls, arguments: Namespace) -> "Settings":
        """Returns the settings of a command line."""
        paths = {name: getattr(arguments, name) for name in ("data_dir", "mnist_dir", "peer_script")}
        return cls(
            torch.device(arguments.device, 0) if arguments.device == "cuda" else torch.device(arguments.device),
            arguments.quick,
            arguments.runs,
            arguments.pairs,
            more=arguments.settings,
            **{name: path and path.resolve() for name, path in paths.items()},
        )

    @property
    def flags(self) -> list[str]:
        """The words of a command line that choose the device."""
        return ["--trainer.accelerator", self.device.type, "--trainer.devices", "1"]

    def cifar10(self, images: int, **settings: Any) -> ImageClassificationDataModule:
        """Returns CIFAR-10 with so many training pictures, each several times if there are fewer."""
        return self._loaded(CIFAR10DataModule(**data_settings(self.data_dir), **settings), images)

    def mnist(self, images: int, **settings: Any) -> ImageClassificationDataModule:
        """Returns MNIST, likewise."""
        return self._loaded(MNISTDataModule(**data_settings(self.mnist_dir), **settings), images)

    def _loaded(self, data: ImageClassificationDataModule, images: int) -> ImageClassificationDataModule:
        if self.quick:
            shape = {"image_size": data.image_size, "in_channels": data.in_channels}
            pictures = ClassifiedImages(*synthetic_images(FEW, seed=0, num_classes=data.num_classes, **shape))
            data.synthesize = lambda: {"train": pictures, "test": pictures}
        data.load_once()
        data.splits["train"] = lengthened(data.splits["train"], images)
        return data


def lengthened(split: Any, samples: int) -> Any:
    """Returns a split of so many samples, each taken several times if there are fewer."""
    return split.take(torch.arange(samples) % len(split))


class Findings:
    """What a part has found, in a file that is whole at any time: a part that is broken off leaves what it had.

    Args:
        path: The JSON file; nothing is written if not given.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.content: dict[str, Any] = {}

    def note(self, **found: Any) -> None:
        """Adds values by name, in the place of earlier ones."""
        self.content |= found
        if self.path is not None:
            write_atomically(self.path, json.dumps(self.content))
