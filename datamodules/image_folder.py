"""Your own pictures, in one folder a class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.files.home import from_home
from core.processes.memory import available_memory
from core.terminal.console import print_line
from datamodules.base.cache import cached, fingerprint, marked
from datamodules.base.class_folders import LeftOut, count_and_name
from datamodules.base.data_module import Source
from datamodules.base.digest import digest_of
from datamodules.base.sizes import check_least
from datamodules.images.augmentation import Augmentation
from datamodules.images.classification import ImageClassificationDataModule
from datamodules.images.loader import ImageLoader
from datamodules.images.normalization import Scaling
from datamodules.images.picture_folders import (
    PictureReader,
    describe,
    list_pictures,
    mean_and_std,
    reading,
    trained_bits,
)
from datamodules.images.splits import ClassifiedImages
from datamodules.images.streaming import PictureFiles, fits_in_memory

CORRUPT = "files that cannot be read as pictures"


class ImageFolderDataModule(ImageClassificationDataModule):
    """Pictures of any size and format that Pillow reads, in `train/<class>/*`, `val/<class>/*` and `test/<class>/*`.

    The folders of `train` name the classes. `val` (or `valid`, `validation`) and `test` may be absent, or lack classes.
    Every picture is resized to `image_size` on its shorter side and center-cropped, which keeps its proportions.
    What is transparent becomes white; pictures of 16 bits keep the range that those of `train` use, unless a file says
    its own. Whatever is not read, such as hidden files and folders within a class, is counted and named.

    All pictures are read once, to find broken ones and to compute mean and standard deviation over `train`; the results
    are cached in `data_dir` until a file changes. Decoded pictures are kept in memory, or decoded from disk for each
    batch if they are too many (streaming); training gets the same values either way.

    Args:
        data_dir: Folder that holds `train` and optionally `val` and `test`.
        image_size: Height and width of the network's input, in pixels.
        in_channels: 3 for colour, 1 for grey; pictures of another mode are converted.
        batch_size: Images per optimizer step, on all devices together.
        eval_batch_size: Images per batch in validation, test and prediction; affects only speed.
        val_size: Training images used for validation if there is no `val`, each class in proportion; a tenth if
            not given; 0 trains on all.
        split_seed: Seed of that choice, separate from the run's seed so that all runs use the same split.
        augmentation: Random changes of training images.
        normalization: How pixels are scaled: by each channel's mean and standard deviation over `train`, to [-1, 1], to
            [0, 1], not at all (0 to 255), or as the published weights of a network expect it: `imagenet` for
            torchvision's, `lite` for EfficientNet-Lite's.
        skip_corrupt: Whether to skip unreadable files, with a message; otherwise they are an error.
        stream: Whether pictures are decoded from disk for each batch: `auto` streams if they would take more than half
            of the available memory (outside Linux, where it is unknown: more than 2 GiB).
        num_workers: Processes that decode in advance while streaming, on each device, at most one per core; 0 decodes
            in the main process. Affects only speed.

    Raises:
        InputError: A folder is missing or empty, or `val` or `test` has a class of its own.
    """

    name = "pictures"
    changeable = (*ImageClassificationDataModule.changeable, "stream", "num_workers")
    source: Source = "auto"
    digests_samples = False  # pictures may stay on disk: their files have digests, taken when all are read

    def __init__(
        self,
        data_dir: str = "data",
        image_size: int = 64,
        in_channels: Literal[1, 3] = 3,
        batch_size: int = 32,
        eval_batch_size: int = 100,
        val_size: int | None = None,
        split_seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        normalization: Scaling = "channel",
        skip_corrupt: bool = False,
        stream: Literal["auto", "always", "never"] = "auto",
        num_workers: int = 4,
    ) -> None:
        check_least(1, image_size=image_size)
        check_least(0, num_workers=num_workers)
        self.image_size, self.in_channels = image_size, in_channels
        self.mean = self.std = ()  # set when the pictures are read
        self.skip_corrupt = skip_corrupt
        self._streams = {"always": True, "never": False, "auto": None}[stream]  # None: not decided yet
        self.num_workers = num_workers
        self._left_out = LeftOut(from_home(data_dir))
        self.files, self.class_names = self.list_files(self._left_out.root)
        self.num_classes = len(self.class_names)
        self.train_size = len(self.files["train"])
        _check_memory(image_size, in_channels, min(batch_size, self.train_size))
        if val_size is None:
            val_size = self.train_size // 10
        elif "val" in self.files:
            raise InputError(f"data.val_size is {val_size}: {data_dir}/val holds the validation images already")
        super().__init__(
            data_dir, self.source, batch_size, eval_batch_size, val_size, split_seed, augmentation, normalization
        )
        self.files_digest = ""  # set when the files are read
        self._has_deep = False  # whether pictures of 16 bits have been read
        self.read_files: dict[str, list[Path]] = {}  # of each part, in order

    def list_files(self, root: Path) -> tuple[dict[str, list[tuple[Path, int]]], tuple[str, ...]]:
        """Lists the files of each part with their classes, and the names of the classes.

        Raises:
            InputError: A folder is missing or empty, or `val` or `test` has a class of its own.
        """
        return list_pictures(root, self._left_out)

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads all pictures once, and keeps them in memory unless they are streamed.

        Raises:
            InputError: Some cannot be read.
        """
        if self._streams is None:
            self._streams = not self._fits_in_memory()
        self.origin = f"{self.data_dir}{' (streamed)' if self._streams else ''}"
        paths = {part: [path for path, _ in files] for part, files in self.files.items()}
        kind = "streamed" if self._streams else "decoded"
        settings = f"{self.image_size}x{self.in_channels}"
        reader = PictureReader(self.image_size, self.in_channels, not self._streams, self.skip_corrupt, self.name)
        tensors = cached(
            self.data_dir / f"pictures_{settings}_{kind}.cache.safetensors",
            f"{fingerprint(sum(paths.values(), []), self.data_dir)} {self.skip_corrupt}",
            lambda: reader.read(paths),
        )
        # of the files that training depends on; a copy in another folder has the same
        trained = [part for part in ("train", "val") if part in paths]
        files_digest = fingerprint(sum((paths[part] for part in trained), []), self.data_dir, times=False)[:16]
        way = reading(tensors, trained)
        self.files_digest = marked(files_digest, way) if way else files_digest
        self._digest = digest_of(*(tensors[f"{part}_contents"] for part in trained))
        self.bits = int(tensors["bits"])
        self._has_deep = any(bool(tensors[f"{part}_depths"].any()) for part in paths)
        skipped = [path for part in paths for path in _pick(paths[part], ~tensors[f"{part}_good"])]
        broken = [f"skipped  {count_and_name(CORRUPT, skipped, self.data_dir)}"] if skipped else []
        for line in (*self._left_out.lines(), *broken, *describe(tensors, list(paths))):
            print_line(line)
        splits = {}
        for part, files in self.files.items():
            good = tensors[f"{part}_good"]
            images = tensors[f"{part}_images"]
            if self._streams:
                images = PictureFiles(
                    _pick(paths[part], good), self.image_size, self.in_channels, self.num_workers, self.bits
                )
            self.read_files[part] = _pick([path for path, _ in files], good)
            splits[part] = ClassifiedImages(images, torch.tensor([number for _, number in files])[good])
        counts = splits["train"].targets.bincount(minlength=self.num_classes).tolist()
        if 0 in counts:
            nothing_left = self.folder_of_classes() / self.class_names[counts.index(0)]
            raise InputError(f"{nothing_left}: none of its pictures can be read")
        self.mean, self.std = mean_and_std(*tensors["train_sums"].tolist())
        nothing = torch.empty(0, self.image_size, self.image_size, self.in_channels, dtype=torch.uint8)
        return {"test": ClassifiedImages(nothing, torch.empty(0, dtype=torch.int64))} | splits

    def _fits_in_memory(self) -> bool:
        pictures = sum(len(files) for files in self.files.values())
        processes = self.trainer.world_size if self.trainer is not None else 1
        return fits_in_memory(pictures, self.image_size, self.in_channels, processes)

    def setup(self, stage: str) -> None:
        """Loads and splits the data.

        Raises:
            InputError: The data cannot be read, or a test has no pictures.
        """
        if self.trainer is not None:  # the first process decided before its own pictures took memory
            self._streams = self.trainer.strategy.broadcast(self._streams)
        super().setup(stage)

    def folder_of_classes(self) -> Path:
        """Returns the folder whose folders hold the training pictures of a class each."""
        return self.data_dir / "train"

    def where_classes_are(self) -> str:
        """Returns the folder of their folders."""
        return str(self.folder_of_classes())

    def where_tests_belong(self) -> str:
        """Returns where test pictures are expected."""
        return f"{self.data_dir}: no test pictures, which belong in test/<class>"

    def predict_dataloader(self) -> ImageLoader:
        """Returns the loader of `inputs`, files or folders of pictures, or of the test set if there are none."""
        if not self.mean:  # neither restored from a checkpoint nor computed yet
            self.load_once()
        return super().predict_dataloader()

    def state_dict(self) -> dict[str, Any]:
        """Returns position and class names, mean and standard deviation, and the bits of pictures of 16."""
        return super().state_dict() | {"mean": list(self.mean), "std": list(self.std), "bits": self.bits}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores position, mean and standard deviation, and the bits of pictures of 16 from a checkpoint.

        Raises:
            InputError: The folder has other classes than the checkpoint, its files have changed, or the network was
                trained with other bits.
        """
        self.bits = trained_bits(state_dict, self.bits if self._has_deep else None, self.data_dir)
        super().load_state_dict(state_dict)
        self.mean, self.std = tuple(state_dict["mean"]), tuple(state_dict["std"])


def _check_memory(image_size: int, channels: int, batch_size: int) -> None:
    """Checks that the memory holds a batch of float32 before it is asked for.

    Raises:
        InputError: It does not.
    """
    needed, available = batch_size * channels * image_size**2 * 4, available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"data.image_size is {image_size}: a batch of {batch_size:,} takes {needed / 2**30:,.1f} GiB, of "
            f"{available / 2**30:,.1f} that are available; lower it, or data.batch_size"
        )


def _pick(paths: Sequence[Path], chosen: Tensor) -> list[Path]:
    return [path for path, choose in zip(paths, chosen.tolist(), strict=True) if choose]
