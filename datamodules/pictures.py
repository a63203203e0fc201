"""Your own pictures without classes, in a folder and its subfolders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from core.errors import InputError
from core.files.home import from_home
from core.predictions import PredictionTable
from core.processes.peers import gathered
from core.terminal.console import print_line
from datamodules.base.cache import fingerprint
from datamodules.base.class_folders import LeftOut, check_data_dir
from datamodules.base.data_module import Source
from datamodules.base.loader import Loader
from datamodules.base.sizes import check_least
from datamodules.batches import UnlabelledImageBatch
from datamodules.images.augmentation import Augmentation
from datamodules.images.deep_pixels import SIXTEEN
from datamodules.images.image_data_module import ImageDataModule
from datamodules.images.image_files import bits_in_use, decode, pictures_below
from datamodules.images.input_notes import note_ranges
from datamodules.images.picture import picture_size, read_whole_picture
from datamodules.images.picture_folders import describe_bits, trained_bits
from datamodules.images.splits import Images
from datamodules.images.streaming import PictureFiles, fits_in_memory
from datamodules.images.synthetic import synthetic_images

DRAWN, DRAWN_SIZE = 80, 64  # pictures that `source: synthetic` draws, and their size before they are enlarged
LEAST = 16  # pixels of the shorter side of pictures to predict; smaller ones are made larger


class WholePictures(Loader):
    """Pictures to predict one by one, each at its own size.

    Args:
        paths: The files.
        largest: Longer side to which larger ones are scaled; 0 for none.
        rank: Index of this process.
        world_size: Number of processes.
        bits: Bits of pictures of 16 that hold values.

    Attributes:
        unread: Why a picture cannot be read, by its place; a black one stands for it.
        notes: Lines about pictures that were scaled, by their places.
        depths: Bits in use in each picture of 16 bits that does not say how many they are.
    """

    batch_size = 1

    def __init__(self, paths: list[Path], largest: int, rank: int, world_size: int, bits: int) -> None:
        super().__init__()
        self.paths, self.largest, self.bits = paths, largest, bits
        self.places = range(rank, len(paths), world_size)
        self.unread: dict[int, str] = {}
        self.notes: dict[int, str] = {}
        self.depths: list[int] = []

    def __len__(self) -> int:
        """Number of pictures of this process."""
        return len(self.places)

    def __iter__(self) -> Iterator[UnlabelledImageBatch]:
        """Yields batches of one picture."""
        for place in self.places:
            yield UnlabelledImageBatch(self._read(place)[None], torch.tensor([place]), {})

    def _read(self, place: int) -> Tensor:
        path = self.paths[place]
        try:
            size = picture_size(path)
            scale = max(LEAST / min(size), 1.0 if not self.largest else min(1.0, self.largest / max(size)))
            scaled = tuple(round(side * scale) for side in size)
            picture = read_whole_picture(path, scaled, bits=self.bits)
        except InputError as error:
            self.unread[place] = str(error)
            return torch.zeros(LEAST, LEAST, 3, dtype=torch.uint8)
        if scaled != size:
            self.notes[place] = f"picture  {path}: scaled from {size[0]}x{size[1]} to {scaled[0]}x{scaled[1]}"
        if picture.depth and not picture.stated:
            self.depths.append(picture.depth)
        return torch.from_numpy(picture.pixels)


class PicturesDataModule(ImageDataModule):
    """Pictures of any size and format that Pillow reads, in a folder and its subfolders.

    For training they are resized to `image_size` on their shorter side and center-cropped; `predict` takes whole ones.
    Those of 16 bits keep the range that all of them use, unless a file says its own.

    Args:
        data_dir: The folder.
        source: `auto` reads the folder; `synthetic` draws pictures instead.
        image_size: Height and width of training pictures, in pixels.
        batch_size: Pictures per optimizer step, on all devices together.
        eval_batch_size: Pictures per batch in validation; affects only speed.
        val_size: Pictures for validation; a fiftieth if not given.
        split_seed: Seed of that choice, separate from the run's seed.
        augmentation: Random changes of training pictures.
        normalization: How pixels are scaled: not at all (0 to 255), as `FastStyle` takes them; to [-1, 1], as
            generators of adversarial networks make them; to [0, 1]; or as published weights expect it, see
            `ImageDataModule`.
        stream: Whether pictures are decoded from disk for each batch: `auto` does so if they would take more than half
            of the available memory.
        num_workers: Processes that decode in advance while streaming; 0 decodes in the main process.
        largest: Longer side of pictures that `predict` takes; larger ones are scaled. 0 takes all as they are.

    Raises:
        InputError: The folder holds no pictures.
    """

    name = "pictures"
    in_channels = 3
    mean, std = (0.0,) * 3, (1.0,) * 3
    digests_samples = False  # pictures may stay on disk
    changeable = (*ImageDataModule.changeable, "stream", "num_workers", "largest")

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        image_size: int = 256,
        batch_size: int = 4,
        eval_batch_size: int = 8,
        val_size: int | None = None,
        split_seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        normalization: Literal["none", "symmetric", "unit", "imagenet", "lite"] = "none",
        stream: Literal["auto", "always", "never"] = "auto",
        num_workers: int = 2,
        largest: int = 1024,
    ) -> None:
        check_least(16, image_size=image_size)
        check_least(0, num_workers=num_workers, largest=largest)
        self.image_size = image_size
        self.stream, self.num_workers, self.largest = stream, num_workers, largest
        self._left_out = LeftOut(from_home(data_dir))
        self._deep: int | None = None  # number of pictures of 16 bits, once they have been looked for
        self._files = [] if source == "synthetic" else self._find(from_home(data_dir))
        self.train_size = len(self._files) or DRAWN
        super().__init__(
            data_dir,
            source,
            batch_size,
            eval_batch_size,
            self.train_size // 50 if val_size is None else val_size,
            split_seed,
            augmentation,
            normalization,
        )

    def _find(self, folder: Path) -> list[Path]:
        check_data_dir(folder)
        found = pictures_below(folder, self._left_out)
        if not found:
            raise InputError(f"{folder}: no pictures in this folder (--data.data_dir)")
        return found

    def read(self) -> dict[str, Images]:
        """Decodes the pictures, or leaves them on disk.

        Raises:
            InputError: One cannot be read.
        """
        if self._deep is None:
            self._deep, self.bits = bits_in_use(self._files)
            for line in (*self._left_out.lines(), *describe_bits(self._deep, len(self._files), self.bits)):
                print_line(line)
        processes = self.trainer.world_size if self.trainer is not None else 1
        fits = fits_in_memory(len(self._files), self.image_size, 3, processes)
        streams = self.stream == "always" or (self.stream == "auto" and not fits)
        self.origin = f"{self.data_dir}{' (streamed)' if streams else ''}"
        self.files_digest = fingerprint(self._files, self.data_dir, times=False)[:16]
        if streams:
            images: Tensor | PictureFiles = PictureFiles(self._files, self.image_size, 3, self.num_workers, self.bits)
        else:
            images = decode(self._files, self.image_size, 3, resize=True, bits=self.bits, progress="decoding")
        return {"train": Images(images), "test": self._none()}

    def synthesize(self) -> dict[str, Images]:
        """Draws pictures."""
        images, _ = synthetic_images(DRAWN, image_size=DRAWN_SIZE, in_channels=3, seed=1)
        larger = interpolate(images.permute(0, 3, 1, 2).float(), self.image_size, mode="bilinear").byte()
        return {"train": Images(larger.permute(0, 2, 3, 1).contiguous()), "test": self._none()}

    def _none(self) -> Images:
        return Images(torch.empty(0, self.image_size, self.image_size, 3, dtype=torch.uint8))

    def where_tests_belong(self) -> str:
        """Returns that there are none."""
        return f"{self.data_dir}: these pictures have no test part; predict --input takes any"

    def predict_dataloader(self) -> WholePictures:
        """Returns the loader of `inputs`, one by one.

        Raises:
            InputError: None are given, or fewer than devices.
        """
        if not self.inputs:
            raise InputError("--input: name pictures or folders of them")
        paths = [Path(name) for name in self.input_names()]
        self.check_enough(len(paths), "inputs")
        loader = WholePictures(paths, self.largest, self.trainer.global_rank, self.trainer.world_size, self.bits)
        self.unread, self._whole = loader.unread, loader
        return self.keep("predict", loader)

    def notes_on_inputs(self) -> list[str]:
        """Returns lines about what folders hold beside pictures, and about pictures that were scaled or are dark.

        They are about the pictures of all processes, each of which calls this.
        """
        parts = gathered((self._whole.notes, self._whole.depths), self.trainer.world_size)
        scaled = sorted(note for notes, _ in parts for note in notes.items())
        depths = [depth for _, depths in parts for depth in depths]
        return self.input_notes + [line for _, line in scaled] + note_ranges(depths, self.bits)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of what a model has made of each picture, in numbers.

        Args:
            names: Their files.
            outputs: [N, ...].
        """
        header = ["file", *(f"output {place}" for place in range(outputs[0].numel()))]
        rows = [
            (name, *(f"{value:.6g}" for value in row))
            for name, row in zip(names, outputs.flatten(1).tolist(), strict=True)
        ]
        return PredictionTable(header, rows)

    def state_dict(self) -> dict[str, Any]:
        """Returns position and the bits of pictures of 16."""
        return super().state_dict() | {"bits": self.bits}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores position and the bits of pictures of 16 from a checkpoint.

        Raises:
            InputError: The pictures have changed, or the network was trained with other bits.
        """
        super().load_state_dict(state_dict)
        if self._deep and self.bits != SIXTEEN and "bits" not in state_dict:  # in earlier releases
            print_line(f"note     {self.data_dir}: this run has read all {SIXTEEN} bits of its pictures, and they stay")
            self.bits = SIXTEEN
            self.splits = self.load()
        self.bits = trained_bits(state_dict, self.bits if self._deep else None, self.data_dir)
