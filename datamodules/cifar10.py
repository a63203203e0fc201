"""CIFAR-10: 60,000 colour pictures of 32x32 pixels in ten classes (Krizhevsky, 2009)."""

import contextlib
import socket
import threading
import urllib.request
from http.client import HTTPException
from typing import Literal

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from datamodules.augmentation import Augmentation
from datamodules.cache import cached
from datamodules.image_files import class_files, decode, fingerprint
from datamodules.images import ImageDataModule, Split
from engine.errors import InputError

ANSWER_WITHIN = 8.0  # seconds that the download server has to answer
STALLS_AFTER = 30.0  # seconds without a byte after which a download has failed


class CIFAR10DataModule(ImageDataModule):
    """CIFAR-10, from torchvision's batches or class folders of pictures; downloaded where both are absent.

    `data_dir` is searched for `cifar-10-batches-py` (torchvision's files, whose integrity torchvision checks), then for
    `train/<class>/*` and `test/<class>/*` (any format that Pillow reads). Pictures are decoded once and cached there.
    "File order" of class folders is a fixed order that mixes the classes; the original order is known to the batches
    alone.

    Args:
        data_dir: Folder of the data set; a download goes there.
        source: `auto` for the real data; `synthetic` for 12,000 pictures drawn by the project, without download.
        batch_size: Images an optimizer step, over all devices together.
        eval_batch_size: Images a batch in validation, test and prediction; changes speed only.
        val_size: Training images set aside for validation, equally many of each class; 0 trains on all 50,000.
        split_seed: Seed of that choice, apart from the run's seed so that all runs share one split.
        augmentation: What may happen to a training image.
        normalization: How pixels are scaled: per channel, to [-1, 1], to [0, 1], or not at all (0 to 255).
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
        source: Literal["auto", "synthetic"] = "auto",
        batch_size: int = 128,
        eval_batch_size: int = 1000,
        val_size: int = 5000,
        split_seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        normalization: Literal["channel", "symmetric", "unit", "none"] = "channel",
    ) -> None:
        super().__init__(
            data_dir, source, batch_size, eval_batch_size, val_size, split_seed, augmentation, normalization
        )

    def read(self) -> dict[str, Split]:
        """Reads torchvision's batches or class folders, else downloads the batches.

        Raises:
            InputError: The data cannot be had or is broken.
        """
        if not (self.data_dir / CIFAR10.base_folder).is_dir() and any(
            (self.data_dir / part).is_dir() for part in ("train", "test")
        ):
            return self._read_folders()
        return self._read_batches()

    def _read_folders(self) -> dict[str, Split]:
        self.origin = f"{self.data_dir} (class folders)"
        parts = {part: class_files(self.data_dir / part, self.class_names) for part in ("train", "test")}
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
        return {part: Split(tensors[f"{part}_images"], tensors[f"{part}_targets"]) for part in parts}

    def _read_batches(self) -> dict[str, Split]:
        # torchvision's files are tensors already but for the unpickling, which takes a second: nothing to cache.
        self.origin = f"{self.data_dir} (torchvision's batches)"
        parts = {}
        for part in ("train", "test"):
            try:
                dataset = CIFAR10(self.data_dir, train=part == "train")
            except RuntimeError:  # absent, or not what its checksums say
                self._download()
                dataset = CIFAR10(self.data_dir, train=part == "train")
            parts[part] = Split(torch.from_numpy(dataset.data), torch.tensor(dataset.targets))
        return parts

    def _download(self) -> None:
        corrupt = (self.data_dir / CIFAR10.base_folder).is_dir()
        missing = [path for path in (self.data_dir, *self.data_dir.parents) if not path.exists()]
        archive = self.data_dir / CIFAR10.filename
        had_archive = archive.exists()
        waits = socket.getdefaulttimeout()
        socket.setdefaulttimeout(STALLS_AFTER)  # torchvision sets none, and a stalled server would hold us for good
        try:
            if not check_integrity(archive, CIFAR10.tgz_md5):  # put there by hand, it needs no server
                answer = _first_answer(CIFAR10.url)
                if answer is not None:
                    raise answer
            CIFAR10(self.data_dir, train=True, download=True)
        except (OSError, RuntimeError, EOFError, HTTPException) as error:
            with contextlib.suppress(OSError):  # no half-made file or folder
                if not had_archive:
                    archive.unlink(missing_ok=True)
            for path in missing:
                with contextlib.suppress(OSError):
                    path.rmdir()
            what = (
                f"a damaged {CIFAR10.base_folder}" if corrupt else f"neither {CIFAR10.base_folder} nor train/ and test/"
            )
            raise InputError(
                f"--data.data_dir {self.data_dir}: holds {what}, and the download failed ({error}); "
                f"put CIFAR-10 there, or try the built-in pictures with --data.source synthetic"
            ) from error
        finally:
            socket.setdefaulttimeout(waits)


def _first_answer(url: str) -> Exception | None:
    """Asks a server for an address, and returns why it did not answer in time, or None.

    In a thread: neither the look-up of a name nor a proxy keeps to a socket's timeout.
    """
    outcome: list[Exception | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_WITHIN):
                outcome.append(None)
        except (OSError, ValueError, HTTPException) as error:
            outcome.append(OSError(f"{url}: {getattr(error, 'reason', error)}"))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_WITHIN)
    return outcome[0] if outcome else TimeoutError(f"{url}: no answer within {ANSWER_WITHIN:.0f} s")
